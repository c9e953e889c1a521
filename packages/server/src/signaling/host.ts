import type { Address } from "@tightbeam/webrtc/bytes"
import {
  type Datagram,
  type Evidence,
  HEADROOM,
  NO_PATH,
  type Out,
  type Path,
  PathTable,
  TAILROOM,
} from "@tightbeam/webrtc/contract"
import type { RoomsReply, RoomsRequest, Verdict } from "./ask.ts"
import type { Bus } from "./bus.ts"
import type { Rooms } from "./rooms.ts"

/** Something that carries whole messages to one client: a WebSocket, or a simulated stream. */
export interface Connection {
  readonly client: Address
  /** The bytes are the caller's again when it returns. */
  send(text: Uint8Array): void
  close(code: string): void
}

export interface HostOptions {
  readonly rooms: Rooms
  readonly bus: Bus
  /** Verifies a token. `answer` is called later, never from inside. */
  readonly authorize: (token: string, room: string, answer: (verdict: Verdict) => void) => void
  /** What a participant was given beside the room, its ICE servers, is to be worth nothing any more. */
  readonly revoke: (room: string, participant: string) => void
  /** ms on a monotonic clock. */
  readonly now: () => number
  /** Runs `act` after `delay` ms; returns how to cancel it. */
  readonly after: (delay: number, act: () => void) => () => void
  /** Sockets at once; more are closed as they come. */
  readonly maxConnections: number
  readonly onEvidence?: (evidence: Evidence) => void
  /** The machine threw, which is a bug of ours: what it was doing is given up, the rest goes on. Default: throws. */
  readonly onFault?: (error: unknown) => void
}

/** The slab begins with this many bytes, and grows to the largest message that was ever sent. */
const SLAB = 64 * 1024

/** Runs `Rooms` on connections, a bus and a clock that it is given: the real ones, or the simulator's. */
export class SignalingHost {
  readonly #options: HostOptions
  readonly #paths: PathTable
  readonly #connections = new Map<Path, Connection>()
  readonly #subscriptions = new Map<string, () => void>()
  readonly #out: Out<never, RoomsRequest>
  readonly #datagram: Datagram
  #cancelTick: () => void = () => {}
  #tickAt = Number.POSITIVE_INFINITY
  /** While draining: resolved when the last connection is gone. */
  #empty: PromiseWithResolvers<void> | undefined
  /** Each connection is a socket of its own to the path table. */
  #sockets = 0

  constructor(options: HostOptions) {
    this.#options = options
    this.#paths = new PathTable(options.maxConnections)
    this.#out = new ConnectionsOut(
      this.#paths,
      this.#connections,
      request => this.#ask(request),
      options.onEvidence,
    )
    const received = new Uint8Array(HEADROOM + TAILROOM)
    this.#datagram = {
      bytes: received,
      view: new DataView(received.buffer),
      offset: HEADROOM,
      length: 0,
      path: NO_PATH,
      ecn: 0,
    }
  }

  /** A connection opened. Returns its path, or `undefined` when there are too many: then close it. */
  opened(connection: Connection): Path | undefined {
    const path = this.#paths.open(this.#sockets++ | 0, connection.client)
    if (path === NO_PATH) return undefined
    this.#paths.hold(path)
    this.#connections.set(path, connection)
    this.#run(now => this.#options.rooms.opened(path, now, this.#out))
    return path
  }

  /** A whole message came. */
  message(path: Path, bytes: Uint8Array): void {
    if (!this.#connections.has(path)) return
    const d = this.#datagram
    if (d.bytes.length < HEADROOM + bytes.length + TAILROOM) {
      d.bytes = new Uint8Array(HEADROOM + bytes.length + TAILROOM)
      d.view = new DataView(d.bytes.buffer)
    }
    d.bytes.set(bytes, HEADROOM)
    d.length = bytes.length
    d.path = path
    this.#run(now => this.#options.rooms.receive(d, now, this.#out))
  }

  /** A connection is gone. */
  closed(path: Path): void {
    if (!this.#connections.delete(path)) return
    this.#run(now => this.#options.rooms.closed(path, now, this.#out))
    this.#paths.release(path)
    if (this.#connections.size === 0) this.#empty?.resolve()
  }

  /** See `Rooms.drain`. Resolves when the last connection is gone. */
  drain(reconnectIn: number): Promise<void> {
    this.#run(() => this.#options.rooms.drain(reconnectIn, this.#out))
    this.#empty ??= Promise.withResolvers()
    if (this.#connections.size === 0) this.#empty.resolve()
    return this.#empty.promise
  }

  /** Closes every connection and stops the clock. */
  close(): void {
    this.#cancelTick()
    this.#cancelTick = () => {}
    this.#tickAt = Number.NEGATIVE_INFINITY
    for (const connection of this.#connections.values()) connection.close("closing")
    for (const unsubscribe of this.#subscriptions.values()) unsubscribe()
  }

  #run(act: (now: number) => void): void {
    try {
      act(this.#options.now())
    } catch (error) {
      if (this.#options.onFault === undefined) throw error
      this.#options.onFault(error)
    }
    this.#settle()
  }

  #ask(request: RoomsRequest): void {
    const { rooms, bus } = this.#options
    const answer = (reply: RoomsReply) => this.#run(now => rooms.reply(reply, now, this.#out))
    switch (request.type) {
      case "publish":
        return bus.publish(request.room, request.event)
      case "subscribe": {
        const { room } = request
        const unsubscribe = bus.subscribe(room, event => answer({ type: "delivered", room, event }))
        this.#subscriptions.set(room, unsubscribe)
        return
      }
      case "unsubscribe":
        this.#subscriptions.get(request.room)?.()
        this.#subscriptions.delete(request.room)
        return
      case "revoke":
        return this.#options.revoke(request.room, request.participant)
      case "close":
        return this.#connections.get(request.path)?.close(request.code)
      case "authorize": {
        const { attempt, token, room } = request
        return this.#options.authorize(token, room, verdict => answer({ ...verdict, attempt }))
      }
    }
  }

  #settle(): void {
    const at = this.#options.rooms.nextTick
    if (at === this.#tickAt || this.#tickAt === Number.NEGATIVE_INFINITY) return
    this.#cancelTick()
    this.#tickAt = at
    if (at === Number.POSITIVE_INFINITY) return
    this.#cancelTick = this.#options.after(Math.max(0, at - this.#options.now()), () => {
      this.#tickAt = Number.NaN
      this.#run(now => this.#options.rooms.tick(now, this.#out))
    })
  }
}

class ConnectionsOut implements Out<never, RoomsRequest> {
  readonly paths: PathTable
  bytes: Uint8Array = new Uint8Array(SLAB)
  view: DataView = new DataView(this.bytes.buffer)
  readonly ask: (request: RoomsRequest) => void
  readonly note: (evidence: Evidence) => void
  readonly #connections: ReadonlyMap<Path, Connection>
  #reserved: Path = NO_PATH

  constructor(
    paths: PathTable,
    connections: ReadonlyMap<Path, Connection>,
    ask: (request: RoomsRequest) => void,
    note: (evidence: Evidence) => void = () => {},
  ) {
    this.paths = paths
    this.#connections = connections
    this.ask = ask
    this.note = note
  }

  reserve(path: Path, max: number): number {
    if (max > this.bytes.length) {
      this.bytes = new Uint8Array(max)
      this.view = new DataView(this.bytes.buffer)
    }
    this.bytes.fill(0, 0, max)
    this.#reserved = path
    return 0
  }

  commit(length: number): void {
    if (length > 0) this.#connections.get(this.#reserved)?.send(this.bytes.subarray(0, length))
  }

  forward(d: Datagram, skip: number, length: number, path: Path): void {
    const start = d.offset + skip
    this.#connections.get(path)?.send(d.bytes.subarray(start, start + length))
  }

  tell(): void {}
}
