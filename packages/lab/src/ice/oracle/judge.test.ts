import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { type Dependence, UDP_BLOCKED } from "@tightbeam/sim"
import { neighbourhoods, networkTypes } from "../network-types.ts"
import type { NatKind, Place, Seat } from "../place.ts"
import { judge, type Verdict } from "./judge.ts"

const [EI, AD, APD] = [
  "endpoint-independent",
  "address-dependent",
  "address-and-port-dependent",
] as const satisfies readonly Dependence[]

const behind = (router: Place["router"], more: Partial<Place> = {}) => {
  return (): Seat => ({ place: { name: "network", router, ...more }, families: [4] })
}
const nat = (mapping: Dependence, filtering: Dependence, more: Partial<NatKind> = {}): NatKind => ({
  kind: "nat",
  mapping,
  filtering,
  ...more,
})
const onTheInternet = (): Seat => ({ place: undefined, families: [4] })

function between(a: () => Seat, b: () => Seat, more: { turn?: boolean; tcp?: boolean } = {}): Verdict {
  return judge({ ends: [[a()], [b()]], turn: false, tcp: false, ...more })
}

const types = ({ types }: Verdict) => types.map(({ local, remote }) => `${local}/${remote}`)

/** What people in the field know of pairs of NATs: the columns are those of the rows, in the same order. */
const kinds: Readonly<Record<string, readonly (() => Seat)[]>> = {
  "public, full cone": [onTheInternet, behind(nat(EI, EI))],
  "address-restricted": [behind(nat(EI, AD))],
  "port-restricted, stateful firewall": [behind(nat(EI, APD)), behind({ kind: "firewall", filtering: APD })],
  "address-dependent": [behind(nat(AD, AD))],
  symmetric: [behind(nat(APD, APD)), behind(nat(APD, APD, { addresses: 4, pooling: "paired" }))],
  "UDP blocked": [behind(nat(EI, APD), { policy: UDP_BLOCKED })],
}

/** D: direct. P: direct, and the side of the dependent NAT is peer-reflexive. R: a relay is needed. */
const table: Readonly<Record<string, string>> = {
  "public, full cone": "DDDPPR",
  "address-restricted": "DDDPPR",
  "port-restricted, stateful firewall": "DDDRRR",
  "address-dependent": "PPRRRR",
  symmetric: "PPRRRR",
  "UDP blocked": "RRRRRR",
}

describe("pairs of NATs", () => {
  for (const [row, letters] of Object.entries(table)) {
    for (const [i, column] of Object.keys(kinds).entries()) {
      test(`${row} to ${column}: ${letters[i]}`, () => {
        for (const a of kinds[row]!) {
          for (const b of kinds[column]!) {
            const direct = between(a, b)
            if (letters[i] === "R") {
              assert.equal(direct.outcome, "none")
              assert.equal(between(a, b, { turn: true }).outcome, "relay")
              continue
            }
            assert.equal(direct.outcome, "direct")
            const reflexive = direct.types.flatMap(({ local, remote }) => [local, remote]).includes("prflx")
            assert.equal(reflexive, letters[i] === "P", types(direct).join(", "))
            assert.deepEqual(between(a, b, { turn: true }), { ...direct, relayed: ["udp", "udp"] })
          }
        }
      })
    }
  }

  test("the end behind the dependent NAT is peer-reflexive, not the other", () => {
    assert.deepEqual(types(between(behind(nat(EI, EI)), behind(nat(APD, APD)))), ["srflx/prflx"])
    assert.deepEqual(types(between(behind(nat(APD, APD)), onTheInternet)), ["prflx/host"])
  })

  test("a symmetric NAT that draws an address for each mapping is as good as none with an address-restricted one", () => {
    const pooled = behind(nat(APD, APD, { addresses: 4, pooling: "arbitrary" }))
    assert.equal(between(behind(nat(EI, AD)), pooled).outcome, "none")
    assert.deepEqual(types(between(onTheInternet, pooled)), ["host/prflx"])
  })

  test("where addresses are drawn, the other end's relay has no permission for what comes, but both relays have", () => {
    const pooled = behind(nat(APD, APD, { addresses: 4, pooling: "arbitrary" }))
    assert.deepEqual(types(between(pooled, pooled, { turn: true })), ["relay/relay"])
  })

  test("a NAT that preserves ports is as good as independent, as long as nothing collides", () => {
    const preserving = behind(nat(APD, APD, { ports: "preserved" }))
    assert.deepEqual(types(between(preserving, behind(nat(EI, APD)))), ["srflx/srflx"])
    const drawing = behind(nat(APD, APD, { ports: "preserved", addresses: 4, pooling: "arbitrary" }))
    assert.equal(between(drawing, behind(nat(EI, APD))).outcome, "none", "each time another address")
  })
})

describe("what ends have in common", () => {
  const expected: Readonly<Record<string, readonly [Verdict["outcome"], string]>> = {
    "one home": ["direct", "host/host"],
    "one home without hairpinning": ["direct", "host/host"],
    "one symmetric NAT": ["direct", "host/host"],
    "two homes of one carrier": ["direct", "srflx/srflx"],
    "two homes of one carrier without hairpinning": ["none", ""],
    "two homes of one symmetric carrier": ["none", ""],
    "a home and its carrier's own customer": ["direct", "prflx/host"],
  }
  for (const { name, seats } of neighbourhoods) {
    test(name, () => {
      const [a, b] = seats()
      const verdict = judge({ ends: [[a], [b]], turn: false, tcp: false })
      assert.deepEqual([verdict.outcome, types(verdict).join()], expected[name])
    })
  }
})

describe("IPv6", () => {
  const dual = (): Seat => ({
    place: { name: "home", router: nat(APD, APD) },
    families: [6, 4],
  })
  const v6 = (): Seat => ({
    place: { name: "v6", router: { kind: "firewall", filtering: APD } },
    families: [6],
  })

  test("passes firewalls that both ends speak through, whatever the NATs do to IPv4", () => {
    assert.deepEqual(types(between(dual, dual)), ["host/host"])
    assert.deepEqual(types(between(v6, dual)), ["host/host"])
  })

  test("reaches no IPv4 but by a relay that has both", () => {
    assert.equal(between(v6, onTheInternet).outcome, "none")
    const relayed = between(v6, onTheInternet, { turn: true })
    assert.equal(relayed.outcome, "relay")
    assert.ok(types(relayed).includes("relay/host"), "the one that has IPv6 alone has an IPv4 relay")
  })
})

describe("without UDP", () => {
  const of = (name: string) => networkTypes.find(type => type.name === name)!.seat
  const [blocked, tls] = [of("UDP blocked"), of("TLS only")]

  test("the relay is reached by the first of UDP, TCP and TLS that is let out", () => {
    assert.deepEqual(between(blocked, tls, { turn: true }).relayed, ["tcp", "tls"])
    assert.deepEqual(between(blocked, onTheInternet, { turn: true }).relayed, ["tcp", "udp"])
  })

  test("ICE-TCP reaches who can be called, and nobody behind a NAT", () => {
    const { outcome, transport } = between(blocked, onTheInternet, { turn: true, tcp: true })
    assert.deepEqual([outcome, transport], ["direct", "tcp"])
    assert.equal(between(onTheInternet, blocked, { tcp: true }).outcome, "direct")
    assert.equal(between(blocked, behind(nat(EI, EI)), { tcp: true }).outcome, "none")
    assert.equal(between(tls, onTheInternet, { tcp: true }).outcome, "none")
  })

  test("where UDP works directly, TCP is not used; where it works by a relay only, it is", () => {
    assert.equal(between(behind(nat(EI, APD)), onTheInternet, { turn: true, tcp: true }).transport, "udp")
    const v6 = (): Seat => ({ place: undefined, families: [6, 4] })
    assert.equal(between(blocked, v6, { turn: true, tcp: true }).transport, "tcp")
  })
})

test("two NATs that let in anybody from ever new ports come to a verdict", () => {
  const open = behind(nat(APD, EI))
  assert.equal(between(open, open).outcome, "none")
  assert.equal(between(open, open, { turn: true }).outcome, "relay")
  const carrier = { name: "carrier", router: nat(APD, EI) }
  const nested = behind(nat(APD, EI, { addresses: 3, pooling: "arbitrary" }), { outer: carrier })
  assert.equal(between(nested, nested, { turn: true }).outcome, "relay")
})
