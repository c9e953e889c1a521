import { type Endpoint, endpointOf, type Ip, ipOf, portOf } from "./endpoints.ts"
import { type Dependence, distinguish, Filter } from "./filter.ts"
import type { Packet, Protocol } from "./packet.ts"
import type { Random } from "./random.ts"
import type { Fate, Router } from "./router.ts"
import { TCP_TIMEOUT, UDP_TIMEOUT } from "./timeouts.ts"

/** A NAT's behaviour, in the words of RFC 4787. The defaults are a good home router. */
export interface NatOptions {
  /** §4.1, REQ-1. Default "endpoint-independent". */
  readonly mapping?: Dependence
  /** §5, REQ-8. Default "address-and-port-dependent". */
  readonly filtering?: Dependence
  /**
   * §4.2, REQ-3: whether the internal port is used outside as well where it is free, or a random one of the same
   * parity (REQ-4). With "preserved", even a mapping that depends on the address keeps one port until two collide.
   * Default "preserved" for an endpoint-independent mapping, "random" for others.
   */
  readonly ports?: "preserved" | "random"
  /** §4.1, REQ-2: whether one internal address always gets the same external one. Default "paired". */
  readonly pooling?: "paired" | "arbitrary"
  /** §6, REQ-9: whether hosts behind it reach each other by its external addresses. Default true. */
  readonly hairpinning?: boolean
  /** §4.3, REQ-5: how long after the last outbound UDP packet a binding lives, ms. Default 2 minutes. */
  readonly timeout?: number
}

/** An external endpoint, and the internal one that has it. Never shared by two (REQ-3: no port overloading). */
interface Binding {
  readonly internal: Endpoint
  readonly external: Endpoint
  readonly filter: Filter
  lastOutbound: number
}

/** The bindings of one transport protocol. */
class Bindings {
  readonly #options: Required<NatOptions>
  readonly #timeout: number
  readonly #random: Random
  readonly #external = new Map<Endpoint, Binding>()
  /** By internal endpoint, then by what the mapping distinguishes. */
  readonly #internal = new Map<Endpoint, Map<number, Binding>>()

  constructor(options: Required<NatOptions>, timeout: number, random: Random) {
    this.#options = options
    this.#timeout = timeout
    this.#random = random
  }

  /** The external endpoint for what is sent from `internal` to `remote`; `undefined` when no port is left. */
  outbound(internal: Endpoint, remote: Endpoint, addressFor: () => Ip, now: number): Endpoint | undefined {
    let mappings = this.#internal.get(internal)
    if (mappings === undefined) this.#internal.set(internal, (mappings = new Map<number, Binding>()))
    const key = distinguish(this.#options.mapping, remote)
    let binding = mappings.get(key)
    if (binding === undefined || !this.#lives(binding, now)) {
      binding = this.#bind(internal, addressFor(), now)
      if (binding === undefined) return undefined
      mappings.set(key, binding)
    }
    binding.lastOutbound = now
    binding.filter.sent(remote, now)
    return binding.external
  }

  inbound(external: Endpoint, remote: Endpoint, now: number): Endpoint | "no mapping" | "filtered" {
    const binding = this.#external.get(external)
    if (binding === undefined || !this.#lives(binding, now)) return "no mapping"
    return binding.filter.admits(remote, now) ? binding.internal : "filtered"
  }

  clear(): void {
    this.#external.clear()
    this.#internal.clear()
  }

  #lives(binding: Binding, now: number): boolean {
    return now - binding.lastOutbound <= this.#timeout
  }

  #bind(internal: Endpoint, ip: Ip, now: number): Binding | undefined {
    if (this.#options.ports === "preserved") {
      const preserved = endpointOf(ip, portOf(internal))
      const holder = this.#living(preserved, now)
      if (holder === undefined) return this.#take(internal, preserved, now)
      if (holder.internal === internal) return holder
    }
    // REQ-3a: never below 1024. REQ-4: an even port stays even.
    const pairs = 32_256
    const first = this.#random.below(pairs)
    for (let i = 0; i < pairs; i++) {
      const external = endpointOf(ip, 1024 + 2 * ((first + i) % pairs) + (portOf(internal) & 1))
      if (this.#living(external, now) === undefined) return this.#take(internal, external, now)
    }
    return undefined
  }

  #living(external: Endpoint, now: number): Binding | undefined {
    const binding = this.#external.get(external)
    return binding !== undefined && this.#lives(binding, now) ? binding : undefined
  }

  #take(internal: Endpoint, external: Endpoint, now: number): Binding {
    const filter = new Filter(this.#options.filtering, this.#timeout)
    const binding = { internal, external, filter, lastOutbound: now }
    this.#external.set(external, binding)
    return binding
  }
}

/** A NAT for UDP (RFC 4787) and, by the same rules, TCP (RFC 5382). IPv6 is not its business. */
export class Nat implements Router {
  readonly addresses: readonly Ip[]
  readonly #options: Required<NatOptions>
  readonly #random: Random
  readonly #bindings: Readonly<Record<Protocol, Bindings>>
  /** Internal to external address, for paired pooling. */
  readonly #pairs = new Map<Ip, Ip>()

  constructor(random: Random, addresses: readonly Ip[], options: NatOptions) {
    const { mapping = "endpoint-independent" } = options
    this.addresses = addresses
    this.#random = random
    this.#options = {
      mapping,
      filtering: "address-and-port-dependent",
      ports: mapping === "endpoint-independent" ? "preserved" : "random",
      pooling: "paired",
      hairpinning: true,
      timeout: UDP_TIMEOUT,
      ...options,
    }
    this.#bindings = {
      udp: new Bindings(this.#options, this.#options.timeout, random),
      tcp: new Bindings(this.#options, TCP_TIMEOUT, random),
    }
  }

  outbound(packet: Packet, now: number): Fate {
    const { protocol, from, to } = packet
    const turnsBack = this.addresses.includes(ipOf(to))
    if (turnsBack && !this.#options.hairpinning) return "no hairpinning"
    const addressFor = () => this.#addressFor(ipOf(from))
    const external = this.#bindings[protocol].outbound(from, to, addressFor, now)
    if (external === undefined) return "out of ports"
    packet.from = external
    if (!turnsBack) return "passes"
    // REQ-9a: it comes back with its external source, so the filter judges it like anybody's.
    const fate = this.inbound(packet, now)
    return fate === "passes" ? "turns back" : fate
  }

  inbound(packet: Packet, now: number): Fate {
    const internal = this.#bindings[packet.protocol].inbound(packet.to, packet.from, now)
    if (typeof internal === "string") return internal
    packet.to = internal
    return "passes"
  }

  reboot(): void {
    this.#bindings.udp.clear()
    this.#bindings.tcp.clear()
    this.#pairs.clear()
  }

  #addressFor(internal: Ip): Ip {
    if (this.#options.pooling === "arbitrary") return this.#random.pick(this.addresses)
    let external = this.#pairs.get(internal)
    if (external === undefined) {
      external = this.addresses[this.#pairs.size % this.addresses.length]!
      this.#pairs.set(internal, external)
    }
    return external
  }
}
