import { type Dependence, type Policy, TLS_ONLY, UDP_BLOCKED } from "@tightbeam/sim"
import type { NatKind, Place, Seat } from "./place.ts"

/** A kind of network that people sit in. Each call makes one more of it. */
export interface NetworkType {
  readonly name: string
  /** A few letters, for the heads of tables. */
  readonly short: string
  readonly seat: () => Seat
}

const EI: Dependence = "endpoint-independent"
const AD: Dependence = "address-dependent"
const APD: Dependence = "address-and-port-dependent"

/**
 * So many addresses that drawing one of them twice is rare luck, which theory does not count on (RFC 4787 REQ-2 asks
 * carriers not to draw at all).
 */
const POOL = 4000

const nat = (mapping: Dependence, filtering: Dependence, more: Partial<NatKind> = {}): NatKind => ({
  kind: "nat",
  mapping,
  filtering,
  ...more,
})

/** RFC 6598. */
const CARRIER = { subnet: "100.64.0.0" }

const behind = (
  name: string,
  router: Place["router"],
  policy: Policy = {},
  families: Seat["families"] = [4],
): Seat => ({
  place: { name, router, policy },
  families,
})

const nested = (home: NatKind, carrier: NatKind): Seat => ({
  place: { name: "home", router: home, outer: { name: "carrier", router: carrier } },
  families: [4],
})

const home = nat(EI, APD)

/** In E.5's order where it has them. */
export const networkTypes: readonly NetworkType[] = [
  { name: "public", short: "public", seat: () => ({ place: undefined, families: [4] }) },
  { name: "full cone", short: "EI/EI", seat: () => behind("full cone", nat(EI, EI)) },
  { name: "address-restricted", short: "EI/AD", seat: () => behind("address-restricted", nat(EI, AD)) },
  { name: "port-restricted", short: "EI/APD", seat: () => behind("port-restricted", home) },
  {
    name: "stateful firewall",
    short: "firewall",
    seat: () => behind("firewall", { kind: "firewall", filtering: APD }),
  },
  { name: "address-dependent", short: "AD/AD", seat: () => behind("address-dependent", nat(AD, AD)) },
  { name: "symmetric", short: "sym", seat: () => behind("symmetric", nat(APD, APD)) },
  {
    name: "symmetric, addresses paired",
    short: "sym-pair",
    seat: () => behind("pair", nat(APD, APD, { addresses: POOL, pooling: "paired" })),
  },
  {
    name: "symmetric, addresses arbitrary",
    short: "sym-pool",
    seat: () => behind("pool", nat(APD, APD, { addresses: POOL, pooling: "arbitrary" })),
  },
  {
    name: "symmetric, ports preserved",
    short: "sym-port",
    seat: () => behind("preserving", nat(APD, APD, { ports: "preserved" })),
  },
  {
    name: "symmetric, lets in anybody",
    short: "APD/EI",
    seat: () => behind("open", nat(APD, EI)),
  },
  { name: "home behind a carrier's NAT", short: "cgn", seat: () => nested(home, nat(EI, EI, CARRIER)) },
  {
    name: "home behind a carrier's symmetric NAT",
    short: "cgn-sym",
    seat: () => nested(home, nat(APD, APD, CARRIER)),
  },
  {
    name: "dual stack at home",
    short: "dual",
    seat: () => behind("dual stack", home, {}, [6, 4]),
  },
  {
    name: "IPv6 only",
    short: "v6",
    seat: () => behind("IPv6", { kind: "firewall", filtering: APD }, {}, [6]),
  },
  { name: "UDP blocked", short: "no-udp", seat: () => behind("office", home, UDP_BLOCKED) },
  { name: "TLS only", short: "tls", seat: () => behind("bank", home, TLS_ONLY) },
]

/** Two ends that have more in common than the Internet. */
export interface Neighbourhood {
  readonly name: string
  readonly short: string
  readonly seats: () => readonly [Seat, Seat]
}

const sameNetwork = (router: NatKind): (() => readonly [Seat, Seat]) => {
  return () => {
    const place: Place = { name: "shared", router }
    return [
      { place, families: [4] },
      { place, families: [4] },
    ]
  }
}

const sameCarrier = (home: NatKind, carrier: NatKind): (() => readonly [Seat, Seat]) => {
  return () => {
    const outer: Place = { name: "carrier", router: carrier }
    return [
      { place: { name: "home a", router: home, outer }, families: [4] },
      { place: { name: "home b", router: home, outer }, families: [4] },
    ]
  }
}

export const neighbourhoods: readonly Neighbourhood[] = [
  { name: "one home", short: "one-home", seats: sameNetwork(home) },
  {
    name: "one home without hairpinning",
    short: "no-hairpin",
    seats: sameNetwork(nat(EI, APD, { hairpinning: false })),
  },
  { name: "one symmetric NAT", short: "one-sym", seats: sameNetwork(nat(APD, APD)) },
  { name: "two homes of one carrier", short: "cgn-hairpin", seats: sameCarrier(home, nat(EI, APD, CARRIER)) },
  {
    name: "two homes of one carrier without hairpinning",
    short: "cgn-straight",
    seats: sameCarrier(home, nat(EI, APD, { ...CARRIER, hairpinning: false })),
  },
  {
    name: "two homes of one symmetric carrier",
    short: "cgn-both-sym",
    seats: sameCarrier(home, nat(APD, APD, CARRIER)),
  },
  {
    name: "a home and its carrier's own customer",
    short: "in-carrier",
    seats: () => {
      const outer: Place = { name: "carrier", router: nat(EI, APD, CARRIER) }
      return [
        { place: { name: "home", router: home, outer }, families: [4] },
        { place: outer, families: [4] },
      ]
    },
  },
]
