import { formatIp } from "@tightbeam/webrtc/bytes"
import { AddressPool } from "./address-pool.ts"
import { type Ip, ipOf } from "./endpoints.ts"
import { Firewall, type FirewallOptions } from "./firewall.ts"
import { Host, type InterfaceOptions } from "./host.ts"
import { Line, type LineOptions, Link, type LinkOptions } from "./link.ts"
import { Nat, type NatOptions } from "./nat.ts"
import type { Packet } from "./packet.ts"
import { Gate, type Policy } from "./policy.ts"
import type { Router } from "./router.ts"
import type { Simulation } from "./simulation.ts"

/** What any network behind a router has. */
export interface SiteOptions {
  /** For traces. */
  readonly name?: string
  /** Its line to the network that it is in. Default: ideal. */
  readonly link?: LineOptions
  /** What its hosts may send out. Default: everything. */
  readonly policy?: Policy
  /** What every packet within it crosses: its Wi-Fi, say. Default: ideal. */
  readonly inside?: LinkOptions
}

export interface NatSiteOptions extends NatOptions, SiteOptions {
  /** The external addresses, or how many. Default 1. */
  readonly addresses?: number | readonly string[]
  /** Where the internal addresses begin. Default 192.168.1.0, as in so many homes at once; a carrier has 100.64.0.0. */
  readonly subnet?: string
  /** IPv6 is not translated, but a home router lets in only what answers. */
  readonly ipv6?: FirewallOptions
}

export interface FirewallSiteOptions extends FirewallOptions, SiteOptions {}

/** What connects a network to the one that it is in. */
interface Edge {
  readonly outer: Network
  readonly routers: Readonly<Record<4 | 6, Router>>
  readonly site: SiteOptions
}

type Pools = Readonly<Partial<Record<4 | 6, AddressPool>>>

/** Who has an address in a network, and how packets get there. */
interface Neighbour {
  readonly line: Line
  readonly receive: (packet: Packet) => void
}

/** Hosts and further networks that reach each other directly, and what is outside through a router. */
export class Network {
  readonly name: string
  readonly simulation: Simulation
  /** What every packet within it crosses. */
  readonly inside: Link
  /** Of its own; of other families it gives out what the network outside has. */
  readonly #pools: Pools
  readonly #neighbours = new Map<Ip, Neighbour>()
  readonly #edge: (Edge & { readonly line: Line; readonly gate: Gate }) | undefined
  #names = 0

  protected constructor(
    simulation: Simulation,
    name: string,
    pools: Pools,
    inside: LinkOptions,
    edge?: Edge,
  ) {
    this.simulation = simulation
    this.name = name
    this.#pools = pools
    this.inside = new Link(simulation, `inside ${name}`, inside)
    this.#edge = edge && {
      ...edge,
      line: new Line(simulation, name, edge.site.link ?? {}),
      gate: new Gate(edge.site.policy ?? {}, simulation.endpoints),
    }
    if (edge === undefined) return
    const external = { line: this.line, receive: this.#enter }
    for (const ip of edge.routers[4].addresses) edge.outer.claim(ip, external)
  }

  /** To the network that it is in. The Internet is in none. */
  get line(): Line {
    if (this.#edge === undefined) throw new Error("The Internet has no line: it is in no network")
    return this.#edge.line
  }

  /** A host with one interface in this network. More come by `attach`. */
  host(name: string, options: InterfaceOptions = {}): Host {
    const host = new Host(this.simulation, name)
    host.attach(this, options)
    return host
  }

  /** A network behind a NAT; IPv6 passes it untranslated. */
  nat(options: NatSiteOptions = {}): Network {
    const { name = this.#name("nat"), addresses = 1, subnet = "192.168.1.0", ipv6 = {} } = options
    const { endpoints, random } = this.simulation
    const external =
      typeof addresses === "number"
        ? Array.from({ length: addresses }, () => this.allot(4))
        : addresses.map(text => endpoints.parse(text))
    const routers = {
      4: new Nat(random.fork(name), external, options),
      6: new Firewall(ipv6),
    }
    const pools = { 4: new AddressPool(subnet) }
    return new Network(this.simulation, name, pools, options.inside ?? {}, {
      outer: this,
      routers,
      site: options,
    })
  }

  /** A network behind a stateful firewall: its hosts have addresses of the network outside. */
  firewall(options: FirewallSiteOptions = {}): Network {
    const { name = this.#name("firewall") } = options
    const firewall = new Firewall(options)
    const routers = { 4: firewall, 6: firewall }
    return new Network(this.simulation, name, {}, options.inside ?? {}, {
      outer: this,
      routers,
      site: options,
    })
  }

  /** Its router starts anew: bindings, filters and pairs are forgotten. */
  reboot(): void {
    this.#edge?.routers[4].reboot()
    this.#edge?.routers[6].reboot()
  }

  /** An address that nobody has. */
  allot(family: 4 | 6): Ip {
    const pool = this.#pools[family]
    if (pool === undefined) return this.#edge!.outer.allot(family)
    for (;;) {
      const ip = this.simulation.endpoints.ip(pool.next())
      if (!this.#neighbours.has(ip)) return ip
    }
  }

  /** Whoever has an address here has it outside as well, where nothing translates it. Throws when it is taken. */
  claim(ip: Ip, neighbour: Neighbour): void {
    const { endpoints } = this.simulation
    if (this.#neighbours.has(ip)) throw new Error(`${this.name}: ${formatIp(endpoints.bytes(ip))} is taken`)
    const edge = this.#edge
    if (edge !== undefined && this.#pools[endpoints.family(ip)] === undefined)
      edge.outer.claim(ip, { line: edge.line, receive: this.#enter })
    this.#neighbours.set(ip, neighbour)
  }

  release(ip: Ip): void {
    this.#neighbours.delete(ip)
    if (this.#pools[this.simulation.endpoints.family(ip)] === undefined) this.#edge?.outer.release(ip)
  }

  /** Takes a packet from one of its hosts, or from a network within it. */
  carry(packet: Packet): void {
    this.inside.carry(packet, this.#fromInside)
  }

  readonly #fromInside = (packet: Packet): void => {
    const neighbour = this.#neighbours.get(ipOf(packet.to))
    if (neighbour !== undefined) neighbour.line.in.carry(packet, neighbour.receive)
    else this.#leave(packet)
  }

  readonly #fromOutside = (packet: Packet): void => {
    const neighbour = this.#neighbours.get(ipOf(packet.to))
    // Never back to where it came from: it would go round for ever.
    if (neighbour === undefined) this.simulation.drop(packet, this.name, "no route")
    else neighbour.line.in.carry(packet, neighbour.receive)
  }

  #leave(packet: Packet): void {
    const edge = this.#edge
    if (edge === undefined) return this.simulation.drop(packet, this.name, "no route")
    if (!edge.gate.allows(packet)) return this.simulation.drop(packet, this.name, "policy")
    const fate = this.#router(edge, packet).outbound(packet, this.simulation.schedule.now)
    if (fate !== "passes" && fate !== "turns back") return this.simulation.drop(packet, this.name, fate)
    this.simulation.see(packet, this.name, "forwarded")
    if (fate === "turns back") this.inside.carry(packet, this.#fromOutside)
    else edge.line.out.carry(packet, this.#toOutside)
  }

  readonly #toOutside = (packet: Packet): void => this.#edge!.outer.carry(packet)

  readonly #enter = (packet: Packet): void => {
    const fate = this.#router(this.#edge!, packet).inbound(packet, this.simulation.schedule.now)
    if (fate !== "passes" && fate !== "turns back") return this.simulation.drop(packet, this.name, fate)
    this.simulation.see(packet, this.name, "forwarded")
    this.inside.carry(packet, this.#fromOutside)
  }

  #router({ routers }: Edge, packet: Packet): Router {
    return routers[this.simulation.endpoints.family(ipOf(packet.to))]
  }

  #name(kind: string): string {
    return `${this.name === "internet" ? "" : `${this.name} `}${kind} ${++this.#names}`
  }
}
