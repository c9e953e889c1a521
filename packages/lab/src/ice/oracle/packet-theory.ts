import type { Dependence } from "@tightbeam/sim"
import { type NatKind, outwards, type Place } from "../place.ts"
import { distinguished, type Endpoint, keyOf } from "./endpoint.ts"

/** Who a packet came to, and from where it seems to be. */
export interface Arrival {
  readonly at: Endpoint
  readonly from: Endpoint
}

/**
 * What routers let through, by RFC 4787 alone: mappings and filters are sets that only grow, there is no time, no loss and
 * no number. It shares nothing with the simulator but the words.
 */
export class PacketTheory {
  readonly #protocol: "udp" | "tcp"
  readonly #ids = new Map<Place, number>()
  /** Short ones, since endpoints are made of endpoints. */
  readonly #names = new Map<string, string>()
  /** By external endpoint. */
  readonly #internal = new Map<string, Endpoint>()
  /** Whom somebody behind a router has spoken to. */
  readonly #spoken = new Map<string, Set<string>>()

  constructor(protocol: "udp" | "tcp") {
    this.#protocol = protocol
  }

  /** `undefined`: it is dropped on the way, but leaves its traces in the routers that it passed. */
  send(from: Endpoint, to: Endpoint): Arrival | undefined {
    return from.family === to.family ? this.#carry(from, to, from.at) : undefined
  }

  /** From within a network. */
  #carry(from: Endpoint, to: Endpoint, network: Place | undefined): Arrival | undefined {
    const inner = inwards(network, to)
    if (inner !== undefined) return this.#descend(from, to, inner)
    if (network === undefined || !this.#allows(network)) return undefined
    const { router } = network
    if (router.kind === "firewall" || from.family === 6) {
      this.#speak(this.#holder(network, from), filteringOf(network, from.family), to)
      return this.#carry(from, to, network.outer)
    }
    const turnsBack = to.nat === network
    if (turnsBack && router.hairpinning === false) return undefined
    const external = this.#map(network, router, from, to)
    this.#speak(keyOf(external), router.filtering, to)
    // RFC 4787 REQ-9a: with its external source.
    return turnsBack ? this.#enter(external, to, network) : this.#carry(external, to, network.outer)
  }

  /** Through firewalls, from the outermost on, and the NAT whose address it is. */
  #descend(from: Endpoint, to: Endpoint, firewalls: readonly Place[]): Arrival | undefined {
    for (const firewall of firewalls)
      if (!this.#admits(this.#holder(firewall, to), filteringOf(firewall, to.family), from)) return undefined
    return to.nat === undefined ? { at: to, from } : this.#enter(from, to, to.nat)
  }

  #enter(from: Endpoint, to: Endpoint, nat: Place): Arrival | undefined {
    const internal = this.#internal.get(keyOf(to))
    if (internal === undefined || !this.#admits(keyOf(to), nat.router.filtering, from)) return undefined
    return this.#descend(from, internal, inwards(nat, internal)!)
  }

  #map(nat: Place, router: NatKind, internal: Endpoint, to: Endpoint): Endpoint {
    const { ports, pooling = "paired", addresses = 1 } = router
    // With one host behind it there is no collision, so a preserved port depends on nothing; a drawn address does.
    const isPreserved = ports === "preserved" && (pooling === "paired" || addresses === 1)
    const mapping = isPreserved ? "endpoint-independent" : router.mapping
    const id = this.#id(nat)
    const port = this.#name(`${id}(${keyOf(internal)} to ${distinguished(mapping, to)})`)
    const own = pooling === "arbitrary" ? port : internal.ip
    const ip = addresses === 1 ? `nat ${id}` : `nat ${id} for ${own}`
    const external: Endpoint = { family: 4, ip, port, at: nat.outer, nat }
    this.#internal.set(keyOf(external), internal)
    return external
  }

  #allows({ policy = {} }: Place): boolean {
    const { udp = true, tcpPorts } = policy
    // The ports that peers listen on are no well-known ones.
    return this.#protocol === "udp" ? udp : tcpPorts === undefined
  }

  #speak(who: string, filtering: Dependence, to: Endpoint): void {
    let spoken = this.#spoken.get(who)
    if (spoken === undefined) this.#spoken.set(who, (spoken = new Set()))
    spoken.add(distinguished(filtering, to))
  }

  #admits(who: string, filtering: Dependence, from: Endpoint): boolean {
    return this.#spoken.get(who)?.has(distinguished(filtering, from)) ?? false
  }

  #holder(firewall: Place, endpoint: Endpoint): string {
    return `${this.#id(firewall)}|${keyOf(endpoint)}`
  }

  #name(what: string): string {
    let name = this.#names.get(what)
    if (name === undefined) this.#names.set(what, (name = `port ${this.#names.size}`))
    return name
  }

  #id(place: Place): number {
    let id = this.#ids.get(place)
    if (id === undefined) this.#ids.set(place, (id = this.#ids.size))
    return id
  }
}

/** The firewalls between a network and an endpoint in it, the outermost first; `undefined` when it is not in it. */
function inwards(network: Place | undefined, { at, family }: Endpoint): readonly Place[] | undefined {
  const firewalls: Place[] = []
  for (const place of outwards(at)) {
    if (place === network) return firewalls
    if (place.router.kind === "nat" && family === 4) return undefined
    firewalls.unshift(place)
  }
  return network === undefined ? firewalls : undefined
}

/** A NAT does not translate IPv6, and lets in what answers. */
function filteringOf({ router }: Place, family: 4 | 6): Dependence {
  return router.kind === "nat" && family === 6 ? "address-and-port-dependent" : router.filtering
}
