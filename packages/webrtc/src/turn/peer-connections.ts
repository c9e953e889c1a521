import { type Address, equalAddress, readUint32 } from "../bytes/index.ts"
import { Deadlines, type Flow, NO_PATH, type Out, type Path, type TurnEvidence } from "../contract/index.ts"
import type { Allocation } from "./allocation.ts"
import type { ByteBucket } from "./byte-bucket.ts"
import type { Counters } from "./counters.ts"
import type { Notes } from "./notes.ts"
import { PathMap } from "./path-map.ts"
import { CONNECTION_BIND_TIME, PeerConnection } from "./peer-connection.ts"
import type { RandomPool } from "./random-pool.ts"
import type { ReplyTo } from "./responder.ts"

type AnyOut = Out<never>
type Disconnected = Extract<TurnEvidence, { kind: "peer-disconnected" }>["reason"]

export interface PeerConnectionsParts {
  readonly random: RandomPool
  readonly counters: Counters
  /** What all allocations together may still relay. */
  readonly bandwidth: ByteBucket | undefined
  readonly notes: Notes
  /** An id for what is asked of the driver. */
  readonly nextId: () => number
}

/** All TCP connections to peers (RFC 6062), and what they hold of the driver: taken and given back in one place. */
export class PeerConnections {
  readonly #parts: PeerConnectionsParts
  readonly #ofAllocation = new Map<Allocation, PeerConnection[]>()
  /** How many each user has who has any. */
  readonly #perUser = new Map<string, number>()
  /** Those that the driver is asked to make, by the id of that. */
  readonly #underWay = new Map<number, PeerConnection>()
  readonly #byId = new Map<number, PeerConnection>()
  /** By either path. */
  readonly #byPath = new PathMap<PeerConnection>()
  readonly #unbound = new Deadlines<PeerConnection>()

  constructor(parts: PeerConnectionsParts) {
    this.#parts = parts
  }

  /** Those that stand. */
  get size(): number {
    return this.#byId.size
  }

  get nextExpiry(): number {
    return this.#unbound.next
  }

  /** How many an allocation has, with those that are being made. */
  countOf(allocation: Allocation): number {
    return this.#ofAllocation.get(allocation)?.length ?? 0
  }

  /** The same of all allocations of a user. */
  countOfUser(user: string): number {
    return this.#perUser.get(user) ?? 0
  }

  /** The one of an allocation to a peer, being made or there. */
  find(allocation: Allocation, peer: Address): PeerConnection | undefined {
    return this.#ofAllocation.get(allocation)?.find(each => equalAddress(each.peer, peer))
  }

  withId(id: number): PeerConnection | undefined {
    return this.#byId.get(id)
  }

  /** The one whose peer data connection or client data connection it is. */
  ofPath(path: Path): PeerConnection | undefined {
    return this.#byPath.get(path)
  }

  /** The one that the driver was asked for by `id`. */
  underWay(id: number): PeerConnection | undefined {
    return this.#underWay.get(id)
  }

  add(allocation: Allocation, peer: Address): PeerConnection {
    const connection = new PeerConnection(allocation, peer)
    const all = this.#ofAllocation.get(allocation)
    if (all === undefined) this.#ofAllocation.set(allocation, [connection])
    else all.push(connection)
    this.#perUser.set(allocation.user, this.countOfUser(allocation.user) + 1)
    return connection
  }

  /**
   * Asks the driver for it, to where the peer is reached. From the relayed transport address (RFC 6062 §5.2), or from
   * another port of it where the platform does not share one that is listened on.
   */
  ask(connection: PeerConnection, remote: Address, to: ReplyTo, isFromRelayed: boolean, out: AnyOut): void {
    const id = this.#parts.nextId()
    const { family, relayed } = connection.allocation
    connection.underWay = { id, to, isFromRelayed }
    this.#underWay.set(id, connection)
    const port = isFromRelayed ? relayed.port : 0
    out.ask({ type: "connect", id, family, port, remote, transport: "tcp" })
  }

  /** The driver answered. */
  answered(connection: PeerConnection): void {
    if (connection.underWay !== undefined) this.#underWay.delete(connection.underWay.id)
    connection.underWay = undefined
  }

  /** It stands, and waits for its ConnectionBind. */
  open(connection: PeerConnection, path: Path, by: "client" | "peer", now: number, out: AnyOut): void {
    out.paths.hold(path)
    connection.path = path
    connection.id = this.#freshId()
    this.#byId.set(connection.id, connection)
    this.#byPath.set(path, connection)
    this.#unbound.set(connection, now + CONNECTION_BIND_TIME)
    this.#parts.notes.peerConnected(connection, by, now, out)
  }

  /** The client's connection `data` carries its bytes from now on. */
  bind(connection: PeerConnection, data: Path, now: number, out: AnyOut): void {
    out.paths.hold(data)
    connection.data = data
    this.#byPath.set(data, connection)
    this.#unbound.remove(connection)
    out.ask({ type: "join", paths: [data, connection.path], flow: this.#flowOf(connection) })
    this.#parts.notes.connectionBound(connection, now, out)
  }

  /** One of its paths is no more: then so is the other (RFC 6062 §5.5). */
  lost(connection: PeerConnection, gone: Path, now: number, out: AnyOut): void {
    this.#free(connection, "closed", gone, now, out)
  }

  /** Lets those go that were not bound in time. */
  expire(now: number, out: AnyOut): void {
    for (let next = this.#unbound.take(now); next !== undefined; next = this.#unbound.take(now))
      this.free(next, "not-bound", now, out)
  }

  /** RFC 6062 §5.5: with their allocation they go. */
  freeAll(allocation: Allocation, now: number, out: AnyOut): void {
    const all = this.#ofAllocation.get(allocation) ?? []
    // Each takes itself out.
    while (all.length > 0) this.free(all[0]!, "allocation-freed", now, out)
  }

  /** Gives back all that it has of the driver. */
  free(connection: PeerConnection, reason: Disconnected, now: number, out: AnyOut): void {
    this.#free(connection, reason, NO_PATH, now, out)
  }

  #free(connection: PeerConnection, reason: Disconnected, gone: Path, now: number, out: AnyOut): void {
    const { allocation, underWay, path, data } = connection
    const all = this.#ofAllocation.get(allocation)!
    all.splice(all.indexOf(connection), 1)
    if (all.length === 0) this.#ofAllocation.delete(allocation)
    const left = this.countOfUser(allocation.user) - 1
    if (left === 0) this.#perUser.delete(allocation.user)
    else this.#perUser.set(allocation.user, left)
    this.answered(connection)
    if (underWay !== undefined) out.ask({ type: "abandon", id: underWay.id })
    this.#unbound.remove(connection)
    if (path === NO_PATH) return
    this.#parts.notes.peerDisconnected(connection, reason, now, out)
    this.#byId.delete(connection.id)
    // To close one that is joined is to close both.
    const open = path === gone ? data : path
    if (open !== NO_PATH) out.ask({ type: "close", socket: out.paths.socket(open) })
    for (const each of [path, data]) {
      if (each === NO_PATH) continue
      this.#byPath.delete(each)
      out.paths.release(each)
    }
  }

  #flowOf(connection: PeerConnection): Flow {
    const { counters, bandwidth } = this.#parts
    const { allocation } = connection
    return {
      passed: (from, length, now) => {
        allocation.bandwidth?.overdraw(length, now)
        bandwidth?.overdraw(length, now)
        if (from === connection.data) {
          connection.bytesToPeer += length
          allocation.bytesToPeers += length
          counters.bytesToPeers += length
        } else {
          connection.bytesToClient += length
          allocation.bytesToClient += length
          counters.bytesToClients += length
        }
      },
      // What UDP would drop is not read yet.
      wait: now => Math.max(allocation.bandwidth?.delay(now) ?? 0, bandwidth?.delay(now) ?? 0),
    }
  }

  /** Random, so that nobody knows another's. 0 is none. */
  #freshId(): number {
    const { random } = this.#parts
    for (;;) {
      const at = random.take(4)
      const id = readUint32(random.bytes, at)
      if (id !== 0 && !this.#byId.has(id)) return id
    }
  }
}
