import { randomInt } from "node:crypto"
import type { Socket as NetSocket } from "node:net"
import type { Address } from "../bytes/index.ts"
import {
  type Datagram,
  type Evidence,
  type Framing,
  type Machine,
  NO_PATH,
  type Out,
  type Path,
  type Paths,
  PathTable,
  type Reply,
  type Request,
  type Socket,
  type SocketFailure,
} from "../contract/index.ts"
import { type Clock, NODE_CLOCK } from "./clock.ts"
import { type Connect, Connector } from "./connector.ts"
import { DgramIo } from "./dgram-io.ts"
import { addressFrom } from "./ip-text.ts"
import {
  DEFAULT_STREAM_LIMITS,
  type Stream,
  type StreamCounters,
  StreamIo,
  type StreamLimits,
} from "./stream-io.ts"
import { StreamListeners } from "./stream-listeners.ts"
import {
  type Batch,
  type CreateUdpIo,
  forwardedFrom,
  type UdpCounters,
  type UdpIo,
  type UdpOptions,
} from "./udp-io.ts"

/** The longest delay that a timer of the platform takes, ms: 24.8 days. */
const LONGEST_DELAY = 2 ** 31 - 1

export interface DriverOptions<Event> {
  /** What the machine tells its owner. Called after the batch was sent; commands may be given from here. */
  readonly onEvent?: (event: Event, now: number) => void
  readonly onEvidence?: (evidence: Evidence, now: number) => void
  /** A bug: something threw that must not. What it was doing is dropped, everything else goes on. */
  readonly onFault?: (error: unknown, during: Activity) => void
  /** Where sockets that the machine asks for are bound. Default `0.0.0.0` and `::`. */
  readonly bindAddresses?: { readonly 4?: string; readonly 6?: string }
  readonly udp?: UdpOptions
  readonly streams?: Partial<StreamLimits>
  /** Authorities (PEM) whose certificates the machine's own TLS connections trust. Default: the platform's. */
  readonly authorities?: readonly string[]
  /** Default: `DgramIo`. */
  readonly createIo?: CreateUdpIo
  /** Default: the platform's. */
  readonly clock?: Clock
  /** Entries of the table of paths, default 65,536. */
  readonly paths?: number
}

/** What was called when something threw. */
export type Activity = "receive" | "reply" | "tick" | "closed" | "event" | "evidence" | "request"

export interface Listening {
  readonly socket: Socket
  readonly local: Address
}

/** A port that could not be had. */
export class ListenError extends Error {
  override readonly name = "ListenError"
  /** The system's: `EADDRINUSE`, `EADDRNOTAVAIL`, `EACCES`. */
  readonly code: string
  readonly local: { readonly address: string; readonly port: number }

  constructor(code: string, message: string, local: ListenError["local"], options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.local = local
  }
}

/** Runs one machine on real UDP sockets and streams, the monotonic clock and one timer. */
export class Driver<Event = never> {
  readonly #machine: Machine<Event>
  readonly #options: DriverOptions<Event>
  readonly #paths: PathTable
  readonly #io: UdpIo
  readonly #streams: StreamIo
  readonly #connector: Connector
  readonly #listeners = new StreamListeners()
  readonly #out: DriverOut<Event>
  readonly #datagram: Datagram
  /** Sockets that the machine asked for: it may close these and no others. */
  readonly #asked = new Set<Socket>()
  /** Numbers of closed sockets, the longest unused first. */
  readonly #free: Socket[] = []
  #sockets = 0
  readonly #clock: Clock
  #timer: unknown
  /** When the timer fires, on the machine's clock. */
  #timerAt = Infinity
  #running = false
  #telling = false
  #closed: Promise<void> | undefined

  constructor(machine: Machine<Event>, options: DriverOptions<Event> = {}) {
    this.#machine = machine
    this.#options = options
    this.#clock = options.clock ?? NODE_CLOCK
    this.#paths = new PathTable(options.paths, randomInt(2 ** 32))
    const createIo = options.createIo ?? ((paths, onBatch, udp) => new DgramIo(paths, onBatch, udp))
    this.#io = createIo(this.#paths, batch => this.#receive(batch), options.udp ?? {})
    const owner = {
      claim: () => this.#claim(),
      disclaim: (socket: Socket) => void this.#free.push(socket),
      frame: (path: Path, bytes: Uint8Array, at: number, length: number) =>
        this.#io.hand(path, bytes, at, length),
      closed: (path: Path) => this.#lost(path),
    }
    this.#streams = new StreamIo(this.#paths, owner, options.streams)
    this.#connector = new Connector({ ...DEFAULT_STREAM_LIMITS, ...options.streams }, options.authorities)
    this.#out = new DriverOut(this.#paths, this.#io, this.#streams)
    this.#datagram = {
      bytes: this.#io.bytes,
      view: this.#io.view,
      offset: 0,
      length: 0,
      path: NO_PATH,
      ecn: 0,
    }
  }

  /**
   * Opens a socket of the owner's choosing for the machine. `address` is an IP address, port 0 takes any
   * free port; on `::` IPv4 is taken too. Rejects with `ListenError`.
   */
  listen(at: { readonly address: string; readonly port: number }): Promise<Listening> {
    const local = addressFrom(at.address, at.port)
    if (local === undefined) throw new TypeError(`listen: "${at.address}" is not an IP address`)
    if (this.#closed !== undefined) throw new Error("listen: this driver is closed")
    const socket = this.#claim()
    const { promise, resolve, reject } = Promise.withResolvers<Listening>()
    this.#io.bind(socket, local, true, outcome => {
      if ("local" in outcome) resolve({ socket, local: outcome.local })
      else {
        this.#free.push(socket)
        const { code, error } = outcome
        const message = `UDP ${at.address} port ${at.port}: ${error.message}`
        reject(new ListenError(code, message, at, { cause: error }))
      }
    })
    return promise
  }

  /**
   * Gives the machine a stream: a TCP or TLS connection that nobody reads from. Its frames arrive as datagrams of a
   * path of its own, and what is sent to that path leaves on it. The driver destroys it in the end. Returns the
   * path, which is the stream's for as long as it lives; `NO_PATH` when it was destroyed at once. Without `framing` it is
   * not read from until it is joined.
   */
  accept(connection: NetSocket, transport: "tcp" | "tls", framing: Framing | undefined): Path {
    if (this.#closed === undefined) return this.#streams.accept(connection, transport, framing)
    connection.destroy()
    return NO_PATH
  }

  /** Gives the machine a command, sends what it said, and returns what `give` returned. */
  command<T>(give: (now: number, out: Out<Event>) => T): T {
    if (this.#running) throw new Error("command: given from within the machine; events are the place for it")
    if (this.#closed !== undefined) throw new Error("command: this driver is closed")
    const now = this.#clock.now()
    this.#running = true
    try {
      return give(now, this.#out)
    } finally {
      this.#running = false
      this.#settle(now)
    }
  }

  /** Of the streams. */
  streamCounters(): Readonly<StreamCounters> {
    return this.#streams.counters()
  }

  /** Of the UDP sockets, since the start. */
  counters(): Readonly<UdpCounters> {
    return this.#io.counters()
  }

  /** Which form of `UdpIo` runs. */
  get form(): string {
    return this.#io.form
  }

  /** Stops the timer and closes every socket; the machine is not called again. Resolves when nothing is left. */
  close(): Promise<void> {
    if (this.#closed === undefined) {
      this.#clock.clear(this.#timer)
      this.#closed = this.#shutdown()
    }
    return this.#closed
  }

  async #shutdown(): Promise<void> {
    this.#connector.shutdown()
    await Promise.all([this.#io.shutdown(), this.#streams.shutdown(), this.#listeners.shutdown()])
  }

  #receive(batch: Batch): void {
    if (this.#closed !== undefined) return
    const now = this.#clock.now()
    const d = this.#datagram
    this.#running = true
    for (let i = 0; i < batch.count; i++) {
      if (!batch.read(i, d)) continue
      try {
        this.#machine.receive(d, now, this.#out)
      } catch (error) {
        this.#fault(error, "receive")
      }
    }
    this.#running = false
    this.#settle(now)
  }

  #reply(reply: Reply): void {
    if (this.#closed !== undefined) return
    const now = this.#clock.now()
    this.#running = true
    try {
      this.#machine.reply(reply, now, this.#out)
    } catch (error) {
      this.#fault(error, "reply")
    }
    this.#running = false
    this.#settle(now)
  }

  #lost(path: Path): void {
    if (this.#closed !== undefined) return
    const now = this.#clock.now()
    this.#running = true
    try {
      this.#machine.closed?.(path, now, this.#out)
    } catch (error) {
      this.#fault(error, "closed")
    }
    this.#running = false
    this.#settle(now)
  }

  #tick(): void {
    this.#timer = undefined
    this.#timerAt = Infinity
    const now = this.#clock.now()
    // Timers of the platform may fire a fraction of a millisecond early.
    if (now >= this.#machine.nextTick) {
      this.#running = true
      try {
        this.#machine.tick(now, this.#out)
      } catch (error) {
        this.#fault(error, "tick")
      }
      this.#running = false
    }
    this.#settle(now)
  }

  /** After each turn of the machine: first what it sent, then what it asked, then what it told. */
  #settle(now: number): void {
    this.#io.flush()
    this.#streams.flush()
    const { requests } = this.#out
    if (requests.length > 0) {
      for (const request of requests) this.#answer(request)
      requests.length = 0
    }
    this.#tell(now)
    this.#arm(now)
  }

  #answer(request: Request): void {
    switch (request.type) {
      case "bind":
        return this.#bind(request)
      case "listen":
        return this.#listen(request)
      case "connect":
        return this.#connect(request)
      case "abandon":
        return this.#connector.abandon(request.id)
      case "join":
        if (!this.#streams.join(request.paths, request.flow))
          this.#fault(
            new Error(`join: ${request.paths.join(" and ")} are not two streams of their own`),
            "request",
          )
        return
      case "close":
        return this.#close(request.socket)
    }
  }

  #bind(request: Extract<Request, { type: "bind" }>): void {
    const socket = this.#claim()
    this.#io.bind(socket, this.#localOf(request), false, outcome => {
      if ("local" in outcome) {
        this.#asked.add(socket)
        this.#reply({ type: "bound", id: request.id, socket, local: outcome.local })
      } else this.#failed(request.id, socket, outcome.code)
    })
  }

  #listen(request: Extract<Request, { type: "listen" }>): void {
    const { id, framing } = request
    const socket = this.#claim()
    const accepted = (connection: NetSocket): void => {
      const path = this.accept(connection, "tcp", framing)
      if (path !== NO_PATH) this.#reply({ type: "accepted", id, path })
    }
    this.#listeners.listen(socket, this.#localOf(request), accepted, outcome => {
      if ("local" in outcome) this.#reply({ type: "listening", id, socket, local: outcome.local })
      else this.#failed(id, socket, outcome.code)
    })
  }

  #failed(id: number, socket: Socket, code: string): void {
    this.#free.push(socket)
    this.#reply({ type: "failed", id, reason: code === "EADDRINUSE" ? "in-use" : "refused" })
  }

  #connect(request: Connect): void {
    const { id, transport, framing } = request
    const text = this.#options.bindAddresses?.[request.family]
    const ip = request.ip ?? (text === undefined ? undefined : addressFrom(text, 0)?.ip)
    this.#connector.connect(ip === undefined ? request : { ...request, ip }, outcome => {
      let reason: SocketFailure = "exhausted"
      if ("socket" in outcome) {
        const path = this.#streams.accept(outcome.socket, transport, framing)
        if (path !== NO_PATH) return this.#reply({ type: "connected", id, path, local: outcome.local })
      } else reason = outcome.reason
      this.#reply({ type: "failed", id, reason })
    })
  }

  #localOf({ family, ip, port }: Extract<Request, { type: "bind" | "listen" }>): Address {
    if (ip !== undefined) return { ip, port }
    const text = this.#options.bindAddresses?.[family] ?? (family === 4 ? "0.0.0.0" : "::")
    const local = addressFrom(text, port)
    if (local === undefined) throw new TypeError(`bindAddresses: "${text}" is not an IP address`)
    return local
  }

  #close(socket: Socket): void {
    if (this.#asked.delete(socket)) {
      this.#io.close(socket)
      this.#free.push(socket)
    } else if (this.#listeners.close(socket)) this.#free.push(socket)
    else if (!this.#streams.close(socket))
      this.#fault(new Error(`close: socket ${socket} was not bound for this machine`), "request")
  }

  /** A handler may give commands, which bring new events: those are told by the loop that already runs. */
  #tell(now: number): void {
    const { events, evidence } = this.#out
    if (this.#telling || (events.length === 0 && evidence.length === 0)) return
    this.#telling = true
    for (let i = 0; i < evidence.length || i < events.length; i++) {
      if (i < evidence.length) {
        try {
          this.#options.onEvidence?.(evidence[i]!, now)
        } catch (error) {
          this.#fault(error, "evidence")
        }
      }
      if (i < events.length) {
        try {
          this.#options.onEvent?.(events[i]!, now)
        } catch (error) {
          this.#fault(error, "event")
        }
      }
    }
    events.length = 0
    evidence.length = 0
    this.#telling = false
  }

  /** A timer that fires earlier than needed is left alone: it looks again then. */
  #arm(now: number): void {
    const { nextTick } = this.#machine
    if (this.#closed !== undefined || nextTick === Infinity || nextTick >= this.#timerAt) return
    this.#clock.clear(this.#timer)
    const delay = Math.min(Math.max(Math.ceil(nextTick - now), 1), LONGEST_DELAY)
    this.#timerAt = now + delay
    this.#timer = this.#clock.set(() => this.#tick(), delay)
  }

  #claim(): Socket {
    return this.#free.shift() ?? this.#sockets++
  }

  #fault(error: unknown, during: Activity): void {
    if (this.#options.onFault !== undefined) this.#options.onFault(error, during)
    else {
      // Out of this turn, so that the rest of it is done, and loud: nobody said that faults are looked after.
      queueMicrotask(() => {
        throw error
      })
    }
  }
}

class DriverOut<Event> implements Out<Event> {
  readonly paths: Paths
  readonly forwardUnfragmented?: UdpIo["forward"]
  readonly #io: UdpIo
  readonly #streams: StreamIo
  /** Of the last `reserve`, where its path is a stream. */
  #reserved: Stream | undefined
  #reservedAt = 0
  readonly requests: Request[] = []
  readonly events: Event[] = []
  readonly evidence: Evidence[] = []

  constructor(paths: Paths, io: UdpIo, streams: StreamIo) {
    this.paths = paths
    this.#io = io
    this.#streams = streams
    if (io.forwardUnfragmented !== undefined) this.forwardUnfragmented = io.forwardUnfragmented
  }

  get bytes(): Uint8Array {
    return this.#io.bytes
  }

  get view(): DataView {
    return this.#io.view
  }

  reserve(path: Path, max: number): number {
    this.#reserved = this.#streams.at(path)
    this.#reservedAt = this.#io.reserve(path, max)
    return this.#reservedAt
  }

  commit(length: number): void {
    const stream = this.#reserved
    if (stream === undefined) {
      this.#io.commit(length)
      return
    }
    this.#reserved = undefined
    this.#streams.send(stream, this.bytes, this.#reservedAt, length, false)
    this.#io.commit(0)
  }

  forward(d: Datagram, skip: number, length: number, path: Path): void {
    const stream = this.#streams.at(path)
    if (stream === undefined) {
      this.#io.forward(d, skip, length, path)
      return
    }
    this.#streams.send(stream, d.bytes, forwardedFrom(d, skip, length), length, true)
  }

  ask(request: Request): void {
    this.requests.push(request)
  }

  tell(event: Event): void {
    this.events.push(event)
  }

  note(evidence: Evidence): void {
    this.evidence.push(evidence)
  }
}
