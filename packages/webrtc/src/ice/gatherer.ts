import { type Address, equalAddress, equalBytes, formatAddress, formatIp } from "../bytes/index.ts"
import { type Datagram, InnerOut, NO_PATH, type Path, type Reply, type Socket } from "../contract/index.ts"
import { BindingClient, type BindingEvent, MAX_OUTSTANDING_QUERIES } from "../stun/index.ts"
import { type Base, SocketBase } from "./base.ts"
import type { Candidate } from "./candidate.ts"
import type { IceOut } from "./events.ts"
import {
  at,
  Gathering,
  type GatheringListener,
  type Interface,
  isSameFamily,
  TRANSACTION,
  whyOf,
} from "./gathering.ts"
import type { IceAgentOptions, IceLimits } from "./options.ts"
import { RelayGatherer } from "./relay-gatherer.ts"
import type { RelayedBase } from "./relayed-base.ts"
import type { StreamBase } from "./stream-base.ts"
import { StreamGatherer } from "./stream-gatherer.ts"

/** While nothing is connected a NAT is kept from forgetting us, in ms (RFC 8445 §5.1.1.4, §11). */
const KEEPALIVE_INTERVAL = 15_000
/** Between two times that an address of ours is taken to be seen elsewhere, with all that follows, in ms. */
const MOVE_INTERVAL = 5_000

/** Where a server sees a base. */
interface Reflexive {
  readonly base: SocketBase
  readonly candidate: Candidate
  readonly server: Address
}

interface Query {
  readonly of: Interface
  readonly server: Address
}

/** What is to be begun, one at a time (RFC 8445 §14.2). */
type Job = (now: number, out: IceOut) => void

/** Gathers candidates (RFC 8445 §5.1.1): sockets on our addresses, where servers see them, and what relays. */
export class Gatherer {
  readonly #options: IceAgentOptions
  readonly #limits: IceLimits
  readonly #gathering: Gathering
  readonly #relays: RelayGatherer
  readonly #streams: StreamGatherer
  readonly #interfaces: Interface[] = []
  readonly #sockets = new Map<Socket, SocketBase>()
  readonly #binding: BindingClient
  readonly #bindingOut = new InnerOut<BindingEvent>()
  readonly #queries = new Map<number, Query>()
  readonly #reflexive: Reflexive[] = []
  readonly #jobs: Job[] = []
  #refreshAt = Infinity

  constructor(options: IceAgentOptions, limits: IceLimits, listener: GatheringListener) {
    this.#options = options
    this.#limits = limits
    this.#gathering = new Gathering(options, listener)
    this.#streams = new StreamGatherer(this.#gathering, limits.streams)
    this.#relays = new RelayGatherer(this.#gathering, (of, mapped, server, now, out) => {
      if (options.policy !== "relay") this.#sawReflexive(of, mapped, server, now, out)
    })
    this.#binding = new BindingClient({ ...TRANSACTION, crypto: options.crypto })
  }

  /** Every candidate that there is now. */
  get candidates(): readonly { readonly base: Base; readonly candidate: Candidate }[] {
    const bases = [...this.#sockets.values(), ...this.#streams.bases, ...this.relays]
    return [...bases.map(base => ({ base, candidate: base.candidate })), ...this.#reflexive]
  }

  /** Allocations that stand. */
  get relays(): readonly RelayedBase[] {
    return this.#relays.bases
  }

  /** These are the host's addresses now: what is gone is let go, what is new is gathered on. */
  setAddresses(ips: readonly Uint8Array[], now: number, out: IceOut): void {
    const wanted = inOrderOfPreference(ips).slice(0, this.#limits.addresses)
    for (const known of this.#interfaces.slice())
      if (!wanted.some(ip => equalBytes(ip, known.ip))) this.#leave(known, now, out)
    for (const [rank, ip] of wanted.entries()) {
      if (this.#interfaces.some(known => equalBytes(known.ip, ip))) continue
      const each: Interface = { ip, rank, base: undefined, isShared: false, movedAt: -Infinity }
      this.#interfaces.push(each)
      const id = this.#gathering.expect(each, (reply, now, out) => {
        if (reply.type === "bound") this.#opened(each, reply.socket, reply.local.port, now, out)
        else this.#gathering.failed(formatIp(ip), whyOf(reply), out)
      })
      out.ask({ type: "bind", id, port: 0, ...at(each) })
      if (this.#options.tcp === true && this.#options.policy !== "relay") this.#streams.open(each, now, out)
    }
  }

  /** Takes a socket that it shares with others; `local` is where the other agent reaches it. */
  share(socket: Socket, local: Address, now: number, out: IceOut): void {
    const each: Interface = {
      ip: local.ip,
      rank: this.#interfaces.length,
      base: undefined,
      isShared: true,
      movedAt: -Infinity,
    }
    this.#interfaces.push(each)
    this.#opened(each, socket, local.port, now, out)
  }

  /**
   * Asks servers again. Those that gave nothing may have been out of reach; where `hasMoved`, the network may see us
   * elsewhere now, and allocations that were made before may be out of reach themselves.
   */
  refresh(hasMoved: boolean): void {
    for (const each of this.#interfaces) this.#askServers(each, hasMoved)
  }

  /** RFC 8445 §5.1.1.4: until a pair works, the NATs in front of us are kept from forgetting. */
  keepAlive(isNeeded: boolean, now: number): void {
    if (!isNeeded) this.#refreshAt = Infinity
    else if (this.#refreshAt === Infinity && this.#reflexive.length > 0)
      this.#refreshAt = now + KEEPALIVE_INTERVAL
  }

  /** Whether more candidates are to be expected. */
  get isGathering(): boolean {
    return (
      this.#jobs.length > 0 || this.#queries.size > 0 || this.#gathering.isWaiting || this.#relays.isGathering
    )
  }

  get hasStep(): boolean {
    return this.#jobs.length > 0 && this.#queries.size < MAX_OUTSTANDING_QUERIES
  }

  /** Begins one transaction. */
  step(now: number, out: IceOut): void {
    this.#jobs.shift()?.(now, out)
    this.#settle(now, out)
  }

  /** What hears from a path, but for relays. */
  baseAt(path: Path, socket: Socket): SocketBase | StreamBase | undefined {
    return this.#streams.baseAt(path) ?? this.#sockets.get(socket)
  }

  /** Whether it was for us, from a server. `isBinding`: a STUN message of the Binding method, which is no TURN. */
  receive(d: Datagram, isBinding: boolean, now: number, out: IceOut): boolean {
    const isOurs = isBinding ? this.#receiveBinding(d, now, out) : this.#relays.receive(d, now, out)
    if (isOurs) this.#settle(now, out)
    return isOurs
  }

  #receiveBinding(d: Datagram, now: number, out: IceOut): boolean {
    if (this.#queries.size === 0) return false
    this.#binding.receive(d, now, this.#bindingOut.through(out))
    return this.#bindingOut.events.length > 0
  }

  reply(reply: Reply, now: number, out: IceOut): void {
    this.#gathering.reply(reply, now, out)
    this.#settle(now, out)
  }

  closed(path: Path, now: number, out: IceOut): void {
    this.#relays.closed(path, now, out)
    this.#streams.closed(path, out)
    this.#settle(now, out)
  }

  tick(now: number, out: IceOut): void {
    if (now >= this.#binding.nextTick) this.#binding.tick(now, this.#bindingOut.through(out))
    this.#relays.tick(now, out)
    if (now >= this.#refreshAt) {
      this.#refreshAt = now + KEEPALIVE_INTERVAL
      for (const each of this.#interfaces) this.#askStun(each)
    }
    this.#settle(now, out)
  }

  get nextTick(): number {
    return Math.min(this.#binding.nextTick, this.#relays.nextTick, this.#refreshAt)
  }

  /** Gives the allocations back and closes every socket. */
  close(now: number, out: IceOut): void {
    this.#jobs.length = 0
    this.#refreshAt = Infinity
    this.#relays.close(now, out)
    for (const each of this.#interfaces.slice()) this.#leave(each, now, out)
  }

  #opened(to: Interface, socket: Socket, port: number, now: number, out: IceOut): void {
    const { ip, rank } = to
    const candidate = this.#gathering.candidate({ type: "host", rank }, { ip, port }, formatIp(ip))
    to.base = new SocketBase(candidate, rank, socket)
    this.#sockets.set(socket, to.base)
    this.#gathering.listener.added(to.base, now, out)
    this.#askServers(to, false)
  }

  #askServers(each: Interface, again: boolean): void {
    if (this.#options.lite === true) return
    this.#askStun(each)
    for (const server of this.#options.servers ?? [])
      if (server.type === "turn" && isSameFamily(each.ip, server.server))
        if (again || !this.#relays.has(each, server))
          this.#jobs.push((now, out) => this.#relays.allocate(each, server, now, out))
  }

  #askStun(each: Interface): void {
    if (this.#options.policy === "relay") return
    for (const { type, server } of this.#options.servers ?? [])
      if (type === "stun" && isSameFamily(each.ip, server))
        this.#jobs.push((now, out) => this.#query(each, server, now, out))
  }

  #query(of: Interface, server: Address, now: number, out: IceOut): void {
    const path = of.base?.open(server, out) ?? NO_PATH
    if (path === NO_PATH || [...this.#queries.values()].some(q => q.of === of && q.server === server)) return
    const number = this.#binding.query(path, now, this.#bindingOut.through(out))
    this.#queries.set(number, { of, server })
  }

  /** Does what the servers' machines told. */
  #settle(now: number, out: IceOut): void {
    for (const event of this.#bindingOut.events.splice(0)) this.#queryEnded(event, now, out)
    this.#relays.settle(now, out)
  }

  #queryEnded(event: BindingEvent, now: number, out: IceOut): void {
    const query = this.#queries.get(event.query)
    this.#queries.delete(event.query)
    if (query?.of.base === undefined) return
    const { of, server } = query
    if (event.type === "reflexive") return this.#sawReflexive(of, event.reflexive, server, now, out)
    const why = event.reason === "timeout" ? "timeout" : event.text
    const code = event.reason === "refused" ? event.code : undefined
    const local = formatAddress(query.of.base.candidate.address)
    this.#gathering.failed(local, why, out, { server, transport: "udp" }, code)
  }

  #sawReflexive(of: Interface, mapped: Address, server: Address, now: number, out: IceOut): void {
    const { base, ip, rank } = of
    // RFC 8445 §5.1.3: nothing new.
    if (base === undefined || equalAddress(mapped, base.candidate.address)) return
    const known = this.#reflexive.filter(each => each.base === base)
    if (known.some(({ candidate }) => equalAddress(candidate.address, mapped))) return
    const foundation = `${formatIp(ip)} ${formatIp(server.ip)}`
    const preference = { type: "srflx", rank } as const
    const candidate = this.#gathering.candidate(preference, mapped, foundation, base.candidate.address)
    const before = known.find(each => equalAddress(each.server, server))
    if (before !== undefined) this.#reflexive.splice(this.#reflexive.indexOf(before), 1)
    this.#reflexive.push({ base, candidate, server })
    this.#gathering.listener.reflexive(base, candidate, server, now, out)
    // A NAT that gives another mapping now has forgotten the one that our allocations were made from. A server that always
    // says so is not asked at its own pace.
    if (before === undefined || now < of.movedAt + MOVE_INTERVAL) return
    of.movedAt = now
    this.#askServers(of, true)
  }

  #leave(each: Interface, now: number, out: IceOut): void {
    this.#interfaces.splice(this.#interfaces.indexOf(each), 1)
    this.#gathering.forget(each)
    this.#streams.leave(each, now, out)
    const { base } = each
    if (base === undefined) return
    this.#relays.leave(each, now, out)
    for (const [number, { of }] of this.#queries) {
      if (of !== each) continue
      this.#binding.cancel(number, this.#bindingOut.through(out))
      this.#queries.delete(number)
    }
    for (const known of this.#reflexive.filter(known => known.base === base))
      this.#reflexive.splice(this.#reflexive.indexOf(known), 1)
    this.#sockets.delete(base.socket)
    each.base = undefined
    this.#gathering.listener.removed(base, now, out)
    if (!each.isShared) out.ask({ type: "close", socket: base.socket })
  }
}

/** RFC 8421 §4: IPv6 first, then in turns, so that a broken family cannot hold up the other one. */
function inOrderOfPreference(ips: readonly Uint8Array[]): Uint8Array[] {
  const v6 = ips.filter(({ length }) => length === 16)
  const v4 = ips.filter(({ length }) => length === 4)
  const ordered: Uint8Array[] = []
  for (let i = 0; i < Math.max(v6.length, v4.length); i++) {
    if (i < v6.length) ordered.push(v6[i]!)
    if (i < v4.length) ordered.push(v4[i]!)
  }
  return ordered
}
