import { type Address, formatIp, parseIp } from "@tightbeam/webrtc/bytes"
import type { Machine } from "@tightbeam/webrtc/contract"
import { Driver } from "./driver.ts"
import { Link, type LinkOptions } from "./link.ts"
import { Random } from "./random.ts"
import { Schedule } from "./schedule.ts"
import { Stream, type StreamHandlers } from "./stream.ts"

export interface NetworkOptions {
  readonly seed: number | string
  /** Between all hosts that have no link of their own. */
  readonly link?: LinkOptions
}

type Receiver = (bytes: Uint8Array, from: Address, to: Uint8Array) => void

/** Hosts, the links between them, and the one clock of them all. A run is a function of the seed. */
export class Network {
  readonly random: Random
  readonly schedule: Schedule = new Schedule()
  readonly #hosts = new Map<string, Host>()
  readonly #links = new Map<string, Link>()
  readonly #common: Link

  constructor({ seed, link = {} }: NetworkOptions) {
    this.random = new Random(seed)
    this.#common = new Link(link, this.random.fork("link"))
  }

  /** A host with these addresses (text); throws when one is malformed or taken. */
  host(name: string, ...addresses: string[]): Host {
    const ips = addresses.map(text => {
      const ip = parseIp(text)
      if (ip === undefined) throw new TypeError(`host("${name}"): "${text}" is not an IP address`)
      if (this.#hosts.has(formatIp(ip))) throw new Error(`host("${name}"): ${text} is taken`)
      return ip
    })
    const host = new Host(this, name, ips)
    for (const ip of ips) this.#hosts.set(formatIp(ip), host)
    return host
  }

  /** Gives two hosts a link of their own, in place of the common one or of an earlier one. */
  link(a: Host, b: Host, options: LinkOptions): void {
    const link = new Link(options, this.random.fork(`${a.name}-${b.name}`))
    this.#links.set(`${a.name} ${b.name}`, link)
    this.#links.set(`${b.name} ${a.name}`, link)
  }

  linkBetween(a: Host, b: Host): Link {
    return this.#links.get(`${a.name} ${b.name}`) ?? this.#common
  }

  at(ip: Uint8Array): Host | undefined {
    return this.#hosts.get(formatIp(ip))
  }
}

export class Host {
  readonly name: string
  readonly ips: readonly Uint8Array[]
  readonly #network: Network
  readonly #ports = new Map<number, Receiver>()
  readonly #streamPorts = new Map<number, (stream: Stream) => void>()
  #ephemeral = 40_000

  constructor(network: Network, name: string, ips: readonly Uint8Array[]) {
    this.#network = network
    this.name = name
    this.ips = ips
  }

  get schedule(): Schedule {
    return this.#network.schedule
  }

  /** Puts a machine on this host. */
  run<Event>(machine: Machine<Event>): Driver<Event> {
    return new Driver(this, machine)
  }

  /** Binds a UDP port on all addresses; false when it is taken. */
  bind(port: number, receiver: Receiver): boolean {
    if (this.#ports.has(port)) return false
    this.#ports.set(port, receiver)
    return true
  }

  unbind(port: number): void {
    this.#ports.delete(port)
  }

  /** Sends a UDP datagram. One that nobody listens for vanishes, as behind most firewalls. */
  send(from: Address, to: Address, bytes: Uint8Array): void {
    const target = this.#network.at(to.ip)
    if (target === undefined) return
    const link = this.#network.linkBetween(this, target)
    const copy = bytes.slice()
    for (let copies = link.duplicates() ? 2 : 1; copies > 0; copies--) {
      const delay = link.datagram()
      if (delay !== undefined) this.schedule.after(delay, () => target.deliver(to.port, copy, from, to.ip))
    }
  }

  deliver(port: number, bytes: Uint8Array, from: Address, to: Uint8Array): void {
    this.#ports.get(port)?.(bytes, from, to)
  }

  streamListener(port: number): ((stream: Stream) => void) | undefined {
    return this.#streamPorts.get(port)
  }

  /** Accepts streams on a TCP port. */
  listenStreams(port: number, accept: (stream: Stream) => void): void {
    this.#streamPorts.set(port, accept)
  }

  /** Opens a stream; `handlers.opened` is called one round trip later, `closed` when nobody listens. */
  connectStream(to: Address, handlers: StreamHandlers): Stream {
    const target = this.#network.at(to.ip)
    const from: Address = { ip: this.ips[0]!, port: this.#ephemeral++ }
    const link =
      target === undefined ? new Link({}, this.#network.random) : this.#network.linkBetween(this, target)
    const [near, far] = Stream.pair(this.schedule, link, from, to)
    near.handlers = handlers
    this.schedule.after(link.stream(), () => {
      const accept = target?.streamListener(to.port)
      if (accept === undefined) {
        near.close("refused")
        return
      }
      if (!near.isOpen) return
      accept(far)
      this.schedule.after(link.stream(), () => {
        if (near.isOpen) near.handlers.opened?.()
      })
    })
    return near
  }
}
