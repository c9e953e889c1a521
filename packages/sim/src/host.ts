import { type Address, formatIp } from "@tightbeam/webrtc/bytes"
import type { Machine } from "@tightbeam/webrtc/contract"
import { Driver, type DriverOptions } from "./driver.ts"
import { type Endpoint, endpointOf, type Ip, ipOf, portOf } from "./endpoints.ts"
import { Line, type LineOptions } from "./link.ts"
import type { Network } from "./network.ts"
import { type Packet, sizeOf } from "./packet.ts"
import type { Schedule } from "./schedule.ts"
import type { Segment } from "./segment.ts"
import type { Simulation } from "./simulation.ts"
import { Stream, type StreamHandlers } from "./stream.ts"
import type { TcpConnection, TcpHandlers } from "./tcp-connection.ts"
import { TcpStack } from "./tcp-stack.ts"

export interface InterfaceOptions {
  /** Its line to the network. Default: ideal. */
  readonly link?: LineOptions
  /** One address of each, given out by the network. Default: IPv4 alone. */
  readonly families?: readonly (4 | 6)[]
  /** These instead (text). */
  readonly addresses?: readonly string[]
}

/** A host's place in one network. */
export interface Interface {
  readonly network: Network
  readonly line: Line
  readonly addresses: readonly Uint8Array[]
}

type Receiver = (bytes: Uint8Array, from: Address, to: Address) => void

const FIRST_EPHEMERAL = 49_152
/** What UDP's length field can say, less its own header. */
const LONGEST_PAYLOAD = 65_507

export class Host {
  readonly name: string
  readonly simulation: Simulation
  readonly #interfaces: Interface[] = []
  /** By address number; also whether an address is still this host's. */
  readonly #byIp = new Map<Ip, Interface>()
  /** UDP sockets; one on address 0 takes what comes to any. */
  readonly #sockets = new Map<Endpoint, Receiver>()
  readonly #tcp: TcpStack
  readonly #listeners: (() => void)[] = []
  #ephemeral = FIRST_EPHEMERAL

  constructor(simulation: Simulation, name: string) {
    this.simulation = simulation
    this.name = name
    this.#tcp = new TcpStack(simulation, (from, to, payload, segment) =>
      this.#emit(from, to, payload, segment),
    )
  }

  get schedule(): Schedule {
    return this.simulation.schedule
  }

  get interfaces(): readonly Interface[] {
    return this.#interfaces
  }

  /** Of all interfaces, those of the first one first. */
  get ips(): readonly Uint8Array[] {
    return this.#interfaces.flatMap(({ addresses }) => addresses)
  }

  /** The first address of a family, as text; throws when there is none. */
  address(family: 4 | 6 = 4): string {
    const ip = this.#first(family)
    if (ip === undefined) throw new Error(`${this.name} has no IPv${family} address`)
    return formatIp(this.simulation.endpoints.bytes(ip))
  }

  /** A further interface, in any network. */
  attach(network: Network, options: InterfaceOptions = {}): Interface {
    const { link = {}, families = [4], addresses } = options
    const { endpoints } = this.simulation
    const ips = addresses?.map(text => endpoints.parse(text)) ?? families.map(family => network.allot(family))
    const line = new Line(this.simulation, `${this.name} in ${network.name}`, link)
    for (const ip of ips) network.claim(ip, { line, receive: this.#receive })
    const made = { network, line, addresses: ips.map(ip => endpoints.bytes(ip)) }
    this.#interfaces.push(made)
    for (const ip of ips) this.#byIp.set(ip, made)
    this.#changed()
    return made
  }

  /** Takes an interface away with its addresses: sockets on them stay, and reach nobody. */
  detach(gone: Interface): void {
    const index = this.#interfaces.indexOf(gone)
    if (index === -1) throw new Error(`${this.name}: this interface is not attached`)
    this.#interfaces.splice(index, 1)
    for (const bytes of gone.addresses) {
      const ip = this.simulation.endpoints.ip(bytes)
      gone.network.release(ip)
      // Two networks may have given it the same address.
      const heir = this.#interfaces.find(({ addresses }) => addresses.includes(bytes))
      if (heir === undefined) this.#byIp.delete(ip)
      else this.#byIp.set(ip, heir)
    }
    this.#changed()
  }

  /** Calls `listener` whenever an interface came or went, as an operating system does. */
  onInterfaces(listener: () => void): void {
    this.#listeners.push(listener)
  }

  /** Puts a machine on this host. */
  run<Event>(machine: Machine<Event>, options?: DriverOptions<Event>): Driver<Event> {
    return new Driver(this, machine, options)
  }

  /**
   * Binds a UDP port on one address of this host, or without `ip` on all; port 0 takes any that is free. Returns the
   * port, or `undefined` when it is taken or the address is not ours.
   */
  bind(port: number, receiver: Receiver, ip?: Uint8Array): number | undefined {
    const on = ip === undefined ? 0 : this.simulation.endpoints.ip(ip)
    if (on !== 0 && !this.#byIp.has(on)) return undefined
    let free = port
    if (port === 0) {
      while (this.#isTaken(on, this.#ephemeral)) this.#ephemeral++
      free = this.#ephemeral++
    } else if (this.#isTaken(on, port)) return undefined
    this.#sockets.set(endpointOf(on, free), receiver)
    return free
  }

  unbind(port: number, ip?: Uint8Array): void {
    this.#sockets.delete(endpointOf(ip === undefined ? 0 : this.simulation.endpoints.ip(ip), port))
  }

  /** Sends a UDP datagram; `bytes` are copied. From an address that went away, it goes nowhere. */
  send(from: Address, to: Address, bytes: Uint8Array): void {
    const { endpoints } = this.simulation
    this.transmit(endpoints.endpoint(from), endpoints.endpoint(to), bytes.slice())
  }

  /** As `send`, of bytes that are the network's from now on. */
  transmit(from: Endpoint, to: Endpoint, bytes: Uint8Array): void {
    if (bytes.length > LONGEST_PAYLOAD) throw new RangeError(`${bytes.length} bytes fit no UDP datagram`)
    this.#emit(from, to, bytes, undefined)
  }

  /**
   * Accepts TCP connections on a port of one address of this host, or without `ip` of all; port 0 takes any that is free.
   * Returns the port, or `undefined` when it is taken or the address is not ours.
   */
  listenTcp(port: number, accept: (connection: TcpConnection) => void, ip?: Uint8Array): number | undefined {
    const on = ip === undefined ? 0 : this.simulation.endpoints.ip(ip)
    if (on !== 0 && !this.#byIp.has(on)) return undefined
    return this.#tcp.listen(port, accept, on)
  }

  unlistenTcp(port: number, ip?: Uint8Array): void {
    this.#tcp.unlisten(port, ip === undefined ? 0 : this.simulation.endpoints.ip(ip))
  }

  /** Whether these two ends are connected, or about to be. */
  isConnected(from: Address, to: Address): boolean {
    const { endpoints } = this.simulation
    return this.#tcp.connects(endpoints.endpoint(from), endpoints.endpoint(to))
  }

  /** Whether an address is this host's now. */
  has(ip: Uint8Array): boolean {
    return this.#byIp.has(this.simulation.endpoints.ip(ip))
  }

  /** Opens a TCP connection, from `from` (port 0: any) or the first address of the family. */
  connectTcp(to: Address, handlers: TcpHandlers, from?: Address): TcpConnection {
    const { endpoints } = this.simulation
    const ip = from === undefined ? this.#first(to.ip.length === 4 ? 4 : 6) : endpoints.ip(from.ip)
    return this.#tcp.connect(ip, from?.port ?? 0, endpoints.endpoint(to), handlers)
  }

  /** Accepts streams of whole messages on a TCP port. */
  listenStreams(port: number, accept: (stream: Stream) => void): void {
    const listening = this.listenTcp(port, connection => accept(new Stream(connection)))
    if (listening === undefined) throw new Error(`${this.name}: TCP port ${port} is taken`)
  }

  connectStream(to: Address, handlers: StreamHandlers): Stream {
    const stream: Stream = new Stream(this.connectTcp(to, { opened: () => handlers.opened?.() }))
    stream.handlers = handlers
    return stream
  }

  /** A port on all addresses and the same on one of them are in each other's way. */
  #isTaken(on: Ip, port: number): boolean {
    if (this.#sockets.has(endpointOf(on, port)) || this.#sockets.has(port)) return true
    return on === 0 && [...this.#byIp.keys()].some(ip => this.#sockets.has(endpointOf(ip, port)))
  }

  #first(family: 4 | 6): Ip | undefined {
    for (const ip of this.#byIp.keys()) if (this.simulation.endpoints.family(ip) === family) return ip
    return undefined
  }

  #changed(): void {
    for (const listener of this.#listeners) listener()
  }

  #emit(from: Endpoint, to: Endpoint, payload: Uint8Array, segment: Segment | undefined): void {
    const { simulation } = this
    const protocol = segment === undefined ? "udp" : "tcp"
    const packet: Packet = {
      id: simulation.nextPacket(),
      protocol,
      from,
      to,
      payload,
      segment,
      size: sizeOf(protocol, simulation.endpoints.family(ipOf(to)), payload.length),
      waited: false,
    }
    simulation.see(packet, this.name, "sent")
    const at = this.#byIp.get(ipOf(from))
    if (at === undefined) simulation.drop(packet, this.name, "no such source")
    else if (this.#byIp.has(ipOf(to))) this.#receive(packet)
    else at.line.out.carry(packet, carried => at.network.carry(carried))
  }

  readonly #receive = (packet: Packet): void => {
    // Never within the call that sent it: machines are not called from within themselves.
    if (packet.waited) return this.#hand(packet)
    packet.waited = true
    this.schedule.at(this.schedule.now, () => this.#hand(packet))
  }

  #hand(packet: Packet): void {
    const { simulation } = this
    const port = portOf(packet.to)
    if (!this.#byIp.has(ipOf(packet.to))) return simulation.drop(packet, this.name, "no route")
    if (packet.protocol === "tcp") {
      simulation.see(packet, this.name, "received")
      return this.#tcp.receive(packet, port)
    }
    const receiver = this.#sockets.get(packet.to) ?? this.#sockets.get(port)
    if (receiver === undefined) return simulation.drop(packet, this.name, "no listener")
    simulation.see(packet, this.name, "received")
    const { endpoints } = simulation
    receiver(packet.payload, endpoints.address(packet.from), endpoints.address(packet.to))
  }
}
