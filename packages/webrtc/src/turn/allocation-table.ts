import { type Address, equalBytes } from "../bytes/index.ts"
import {
  Deadlines,
  NO_PATH,
  type Out,
  type Path,
  type Socket,
  type SocketFailure,
  type Transport,
} from "../contract/index.ts"
import {
  Allocation,
  type AllocationRequest,
  type PeerProtocol,
  type PortWish,
  type TwinError,
} from "./allocation.ts"
import { AwaitedSockets } from "./awaited-sockets.ts"
import { CHANNEL_LIFETIME, Channel } from "./channel.ts"
import type { Common } from "./common.ts"
import { roomOf } from "./credentials.ts"
import { Mobility } from "./mobility.ts"
import type { TurnLimits } from "./options.ts"
import { PathMap } from "./path-map.ts"
import { PERMISSION_LIFETIME, Permission } from "./permission.ts"
import type { RandomPool } from "./random-pool.ts"
import type { RelayAddresses } from "./relay-addresses.ts"
import { type Reservation, Reservations } from "./reservation.ts"

type AnyOut = Out<never>

/**
 * All allocations, by client, by relay socket, by relayed address; what they hold of the driver (paths
 * and sockets) and of the server (ports, quota), taken and given back in one place.
 */
export class AllocationTable {
  readonly #limits: TurnLimits
  readonly #random: RandomPool
  readonly #relays: readonly RelayAddresses[]
  readonly #all = new Set<Allocation>()
  readonly #byClient = new PathMap<Allocation>()
  readonly #bySocket: (Allocation | undefined)[] = []
  readonly #channels = new PathMap<Channel>()
  /** Those that may move, by what their tickets name them by. */
  readonly #byTicket = new Map<number, Allocation>()
  readonly #awaited: AwaitedSockets
  /** Those that listen for peers (RFC 6062), by the id that the driver names them by. */
  readonly #listening = new Map<number, Allocation>()
  readonly #common: Common
  readonly #perTransport: Record<Transport, number> = { udp: 0, tcp: 0, tls: 0 }
  readonly #deadlines = new Deadlines<Allocation>()
  readonly #reservations: Reservations

  constructor(
    limits: TurnLimits,
    random: RandomPool,
    relays: readonly RelayAddresses[],
    common: Common,
    nextId: () => number,
  ) {
    this.#common = common
    this.#awaited = new AwaitedSockets(nextId)
    this.#limits = limits
    this.#random = random
    this.#relays = relays
    this.#reservations = new Reservations(random)
  }

  get size(): number {
    return this.#all.size
  }

  /** How many clients come over each. */
  get perTransport(): Readonly<Record<Transport, number>> {
    return { ...this.#perTransport }
  }

  /** Of all servers of this process. */
  get sizeOfAll(): number {
    return this.#common.allocations
  }

  get all(): Iterable<Allocation> {
    return this.#all
  }

  get freePorts(): number {
    return this.#relays.reduce((sum, { ports }) => sum + ports.free, 0)
  }

  get reservedPorts(): number {
    return this.#reservations.size
  }

  get nextExpiry(): number {
    return Math.min(this.#deadlines.next, this.#reservations.nextExpiry)
  }

  /**
   * The client's allocation; of a dual one the first, which knows its twin. Its `client` is another where it is expected
   * here and did not come yet.
   */
  ofClient(client: Path): Allocation | undefined {
    return this.#byClient.get(client)
  }

  /** The one that may move by a MOBILITY-TICKET. */
  ofTicket(handle: number): Allocation | undefined {
    return this.#byTicket.get(handle)
  }

  ofSocket(socket: Socket): Allocation | undefined {
    return this.#bySocket[socket]
  }

  /** Whether it is a relay socket that is kept for who comes with a RESERVATION-TOKEN. */
  isReserved(socket: Socket): boolean {
    return this.#reservations.has(socket)
  }

  /** The open channel to a peer, by the path from the relay socket to it. */
  channelOn(peer: Path): Channel | undefined {
    return this.#channels.get(peer)
  }

  relays(family: 4 | 6): RelayAddresses | undefined {
    return this.#relays.find(relay => relay.family === family)
  }

  /** The allocation that is relayed from an address now. */
  relayedFrom(ip: Uint8Array, port: number, protocol: PeerProtocol = "udp"): Allocation | undefined {
    for (const relay of this.#relays) {
      const holder = relay.holder(ip, port, protocol)
      if (holder !== undefined) return holder
    }
    return undefined
  }

  /** The allocation whose socket is said to have accepted a connection (RFC 6062 §5.3). */
  listeningAs(id: number): Allocation | undefined {
    return this.#listening.get(id)
  }

  /** Whether somebody is relayed over UDP from an address now, by this server or by another of this process. */
  isLive(ip: Uint8Array, port: number): boolean {
    for (const relay of this.#relays) if (relay.isLive(ip, port)) return true
    return false
  }

  /** Whether an address is one that this server relays from, now or another time. */
  isOurs(ip: Uint8Array, port: number): boolean {
    for (const relay of this.#relays) if (relay.contains(ip, port)) return true
    return false
  }

  /** Whether an IP address is one that this server relays from. */
  relaysAt(ip: Uint8Array): boolean {
    return this.#relays.some(relay => equalBytes(ip, relay.ip))
  }

  /** What a RESERVATION-TOKEN stands for, if it is this user's. */
  reservation(token: Uint8Array, user: string, now: number): Reservation | undefined {
    return this.#reservations.find(token, user, now)
  }

  /** How much of their quota a user has, of all servers of this process: allocations, and ports reserved for more. */
  allocationsOf(user: string): number {
    return this.#common.users.of(user)
  }

  /** The same of everybody in a user's room; 0 for who is in none. */
  allocationsInRoomOf(user: string): number {
    const room = roomOf(user)
    return room === undefined ? 0 : this.#common.rooms.of(room)
  }

  /**
   * Makes an allocation, or a dual one of two address families, and asks for the sockets, unless that was reserved and is
   * there; `undefined` when no port is left that would do. `twinError` is why there is but one where two were asked for.
   */
  create(
    request: AllocationRequest,
    relays: readonly RelayAddresses[],
    twinError: TwinError | undefined,
    now: number,
    out: AnyOut,
  ): Allocation | undefined {
    const made: Allocation[] = []
    let missing = twinError
    for (const relay of relays) {
      const allocation = this.#make(request, relay, out)
      if (allocation === undefined) missing = { family: relay.family, code: 508 }
      else made.push(allocation)
    }
    const [first, second] = made
    if (first === undefined) return undefined
    this.#byClient.set(first.client, first)
    first.twin = second
    if (second !== undefined) second.twin = first
    else first.twinError = missing
    if (request.isMobile) {
      first.mobility = new Mobility(first.number)
      if (second !== undefined) second.mobility = first.mobility
      this.#byTicket.set(first.number, first)
    }
    // The socket may come at once: by now everything is in its place.
    if (typeof request.port === "object") this.#give(first, request.port.socket, now)
    else for (const allocation of made) this.#bind(allocation, out)
    return first
  }

  #make(request: AllocationRequest, relay: RelayAddresses, out: AnyOut): Allocation | undefined {
    const port = this.#takePort(request.port, relay)
    if (port === undefined) return undefined
    if (typeof request.port === "object") this.#claim(request.port)
    const relayed = { ip: relay.ip, port }
    const { allocationBytesPerSecond } = this.#limits
    const allocation = new Allocation(this.#common.nextNumber(), request, relayed, allocationBytesPerSecond)
    out.paths.hold(allocation.client)
    this.#all.add(allocation)
    this.#common.addAllocations(1)
    this.#perTransport[allocation.transport]++
    this.#count(allocation.user, allocation.portWish === "even-with-next" ? 2 : 1)
    return allocation
  }

  /** A socket came. Returns whose it is, once all that it waits for is there. */
  bound(id: number, socket: Socket, local: Address, now: number, out: AnyOut): Allocation | undefined {
    const awaited = this.#awaited.bound(id, socket, out)
    if (awaited === undefined) return undefined
    const { allocation, sockets } = awaited
    const [own, next] = sockets
    if (next !== undefined) {
      const { user, relayed } = allocation
      const relay = this.#relayOf(allocation)
      allocation.reservationToken = this.#reservations.make(relay, relayed.port + 1, user, next, now).token
    }
    allocation.local = local
    if (allocation.protocol === "tcp") {
      allocation.listensAs = id
      this.#listening.set(id, allocation)
    }
    this.#give(allocation, own!, now)
    return allocation
  }

  #give(allocation: Allocation, socket: Socket, now: number): void {
    allocation.socket = socket
    allocation.boundAt = now
    this.#bySocket[socket] = allocation
    const relay = this.#relayOf(allocation)
    relay.give(allocation.relayed.port, allocation)
    this.#putBackTried(allocation, relay)
    this.refresh(allocation, allocation.lifetime, now)
  }

  /** No socket came. Tries another port where that may help; else returns the allocation, now gone, parted from its twin. */
  failed(id: number, reason: SocketFailure, out: AnyOut): Allocation | undefined {
    const allocation = this.#awaited.failed(id, out)
    if (allocation === undefined) return undefined
    if (reason === "in-use" && allocation.triedPorts.length + 1 < this.#limits.bindTries) {
      const relay = this.#relayOf(allocation)
      const next = this.#takePort(allocation.portWish, relay)
      if (next !== undefined) {
        if (allocation.portWish === "even-with-next") relay.ports.release(allocation.relayed.port + 1)
        allocation.triedPorts.push(allocation.relayed.port)
        allocation.relayed = { ip: allocation.relayed.ip, port: next }
        this.#bind(allocation, out)
        return undefined
      }
    }
    const { twin } = allocation
    if (twin !== undefined) twin.twinError = { family: allocation.family, code: 508 }
    this.free(allocation, out)
    return allocation
  }

  /** Sets the time-to-expiry of a bound allocation, in seconds. */
  refresh(allocation: Allocation, lifetime: number, now: number): void {
    allocation.expiresAt = now + lifetime * 1000
    this.#deadlines.set(allocation, allocation.nextExpiry)
  }

  /** Expects the client at `path` from now on, until it sends from there; and nowhere else that it was expected before. */
  expectMove(allocation: Allocation, path: Path, out: AnyOut): void {
    this.forgetMove(allocation, out)
    const mobility = allocation.mobility!
    mobility.sequence++
    mobility.movedTo = path
    out.paths.hold(path)
    this.#byClient.set(path, allocation)
  }

  /** The client came to where it was expected: the path that it had is not its any more. */
  arrive(allocation: Allocation, out: AnyOut): void {
    const from = allocation.client
    const to = allocation.mobility!.movedTo!
    for (const each of allocation.both) {
      this.#perTransport[each.transport]--
      each.client = to
      each.transport = out.paths.transport(to)
      this.#perTransport[each.transport]++
      out.paths.hold(to)
      out.paths.release(from)
    }
    out.paths.release(to)
    this.#byClient.delete(from)
  }

  /** The client is not expected any more where it has not come. */
  forgetMove({ mobility, client }: Allocation, out: AnyOut): void {
    const path = mobility?.movedTo
    if (mobility === undefined || path === undefined || path === client) return
    mobility.movedTo = undefined
    this.#byClient.delete(path)
    out.paths.release(path)
  }

  /** Installs or refreshes a permission (RFC 8656 §9). Returns whether it is new. */
  permit(allocation: Allocation, ip: Uint8Array, now: number): boolean {
    const known = allocation.permissionFor(ip, now)
    if (known !== undefined) {
      known.expiresAt = now + PERMISSION_LIFETIME
      return false
    }
    allocation.permissions.push(new Permission(ip, now + PERMISSION_LIFETIME))
    this.#dueAt(allocation, now + PERMISSION_LIFETIME)
    return true
  }

  /** Binds a channel whose peer has a permission; `undefined` when the driver has no path left. */
  bindChannel(
    allocation: Allocation,
    number: number,
    peer: Address,
    now: number,
    out: AnyOut,
  ): Channel | undefined {
    const path = out.paths.open(allocation.socket, peer)
    const permission = allocation.permissionFor(peer.ip, now)
    if (path === NO_PATH || permission === undefined) return undefined
    const cooling = allocation.channels.get(number)
    if (cooling !== undefined) this.#removeChannel(allocation, cooling, out)
    const isOurs = this.isOurs(peer.ip, peer.port)
    const channel = new Channel(number, peer, path, isOurs, permission, now + CHANNEL_LIFETIME)
    out.paths.hold(path)
    allocation.channels.add(channel)
    this.#channels.set(path, channel)
    this.#dueAt(allocation, channel.expiresAt)
    return channel
  }

  refreshChannel(channel: Channel, now: number): void {
    channel.expiresAt = now + CHANNEL_LIFETIME
  }

  /** Lets everything go that has expired. Returns the next allocation that did, freed, or `undefined` for the last. */
  expireNext(now: number, out: AnyOut): Allocation | undefined {
    for (
      let reservation = this.#reservations.expireNext(now);
      reservation !== undefined;
      reservation = this.#reservations.expireNext(now)
    ) {
      this.#giveUp(reservation, out)
    }
    // Whoever is looked at is due later afterwards, or gone: each at most once per call of the owner's loop.
    for (let item = this.#deadlines.take(now); item !== undefined; item = this.#deadlines.take(now)) {
      if (item.expiresAt <= now) {
        this.free(item, out)
        return item
      }
      this.prune(item, now, out)
      this.#deadlines.set(item, item.nextExpiry)
    }
    return undefined
  }

  /** Lets go of permissions and channels of one allocation that have expired. */
  prune(allocation: Allocation, now: number, out: AnyOut): void {
    const { permissions } = allocation
    for (let i = permissions.length - 1; i >= 0; i--)
      if (!permissions[i]!.isLive(now)) permissions.splice(i, 1)
    const channels = allocation.channels.all
    for (let i = channels.length - 1; i >= 0; i--) {
      const channel = channels[i]!
      if (channel.isLive(now)) continue
      this.#closeChannel(channel, out)
      if (channel.cooledDownAt <= now) allocation.channels.remove(channel)
    }
  }

  /** Gives back all that an allocation has of the driver and of us. */
  free(allocation: Allocation, out: AnyOut): void {
    this.#all.delete(allocation)
    this.#common.addAllocations(-1)
    this.#perTransport[allocation.transport]--
    this.#deadlines.remove(allocation)
    this.#part(allocation, out)
    for (const channel of allocation.channels.all) this.#closeChannel(channel, out)
    out.paths.release(allocation.client)
    this.#count(allocation.user, -1)
    const relay = this.#relayOf(allocation)
    if (!allocation.isBound && allocation.portWish === "even-with-next") {
      // It never came to a reservation.
      relay.ports.release(allocation.relayed.port + 1)
      this.#count(allocation.user, -1)
    }
    this.#putBackTried(allocation, relay)
    relay.takeBack(allocation.relayed.port)
    // Its socket may still come, and is closed then.
    if (!allocation.isBound) return this.#awaited.forget(allocation, out)
    this.#bySocket[allocation.socket] = undefined
    if (allocation.listensAs !== undefined) this.#listening.delete(allocation.listensAs)
    out.ask({ type: "close", socket: allocation.socket })
  }

  /** Takes an allocation from its client, and from its twin, which then is the client's only one. */
  #part(allocation: Allocation, out: AnyOut): void {
    const { twin, client, mobility } = allocation
    allocation.twin = undefined
    if (twin !== undefined) {
      twin.twin = undefined
      this.#byClient.set(client, twin)
      if (mobility !== undefined) this.#byTicket.set(mobility.handle, twin)
      if (mobility?.movedTo !== undefined) this.#byClient.set(mobility.movedTo, twin)
      return
    }
    this.forgetMove(allocation, out)
    this.#byClient.delete(client)
    if (mobility !== undefined) this.#byTicket.delete(mobility.handle)
  }

  /** Nobody waits for sockets any more, those that still come are closed; nor does anybody claim a port. */
  forgetAwaited(out: AnyOut): void {
    this.#awaited.clear(out)
    for (
      let reservation = this.#reservations.expireNext(Infinity);
      reservation !== undefined;
      reservation = this.#reservations.expireNext(Infinity)
    ) {
      this.#giveUp(reservation, out)
    }
  }

  #takePort(wish: PortWish, relay: RelayAddresses): number | undefined {
    if (typeof wish === "object") return wish.port
    if (wish === "any") return relay.ports.take(this.#random)
    return relay.ports.takeEven(this.#random, wish === "even-with-next")
  }

  #claim(reservation: Reservation): void {
    this.#reservations.claim(reservation)
    this.#count(reservation.user, -1)
  }

  #giveUp(reservation: Reservation, out: AnyOut): void {
    out.ask({ type: "close", socket: reservation.socket })
    reservation.relay.takeBack(reservation.port)
    this.#count(reservation.user, -1)
  }

  #count(user: string, change: number): void {
    this.#common.users.add(user, change)
    const room = roomOf(user)
    if (room !== undefined) this.#common.rooms.add(room, change)
  }

  #bind(allocation: Allocation, out: AnyOut): void {
    const { port } = allocation.relayed
    this.#awaited.ask(allocation, allocation.portWish === "even-with-next" ? [port, port + 1] : [port], out)
  }

  #relayOf(allocation: Allocation): RelayAddresses {
    return this.relays(allocation.family)!
  }

  #putBackTried(allocation: Allocation, relay: RelayAddresses): void {
    for (const port of allocation.triedPorts) relay.ports.release(port)
    allocation.triedPorts = []
  }

  #removeChannel(allocation: Allocation, channel: Channel, out: AnyOut): void {
    this.#closeChannel(channel, out)
    allocation.channels.remove(channel)
  }

  #closeChannel(channel: Channel, out: AnyOut): void {
    if (!channel.isOpen) return
    channel.isOpen = false
    this.#channels.delete(channel.path)
    out.paths.release(channel.path)
  }

  #dueAt(allocation: Allocation, time: number): void {
    if (time < allocation.due) this.#deadlines.set(allocation, time)
  }
}
