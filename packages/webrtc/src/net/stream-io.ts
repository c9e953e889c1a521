import type { Socket as NetSocket } from "node:net"
import { type Framing, NO_PATH, type Path, type PathTable, type Socket } from "../contract/index.ts"
import { FrameSplitter, type TakeFrame } from "./frame-splitter.ts"
import { createIpScratch, readIp } from "./ip-text.ts"

export interface StreamLimits {
  /** How long a connection that the machine holds no path of may go without a whole frame, ms. Default 30,000. */
  readonly idle: number
  /** The longest frame of such a connection, bytes: all that a stranger can make us keep. Default 4,096. */
  readonly strangersFrame: number
  /** Bytes that may wait to be sent on one connection; more are dropped. Default 1 MiB. */
  readonly queue: number
  /** Bytes that may wait to be sent on all connections together; more are dropped. Default 64 MiB. */
  readonly queueOfAll: number
  /** How long a connection whose queue was full, or that is being closed, may take to send it, ms. Default 10,000. */
  readonly drain: number
}

export const DEFAULT_STREAM_LIMITS: StreamLimits = {
  idle: 30_000,
  strangersFrame: 4_096,
  queue: 1024 * 1024,
  queueOfAll: 64 * 1024 * 1024,
  drain: 10_000,
}

/**
 * What the machine writes itself is answers, and on a stream nobody asks twice: they may go this many bytes
 * beyond a queue that is full of forwarded data.
 */
const ROOM_FOR_ANSWERS = 64 * 1024

/** Since the start, but for `open` and `queued`. */
export interface StreamCounters {
  open: number
  /** Bytes that wait to be sent. */
  queued: number
  accepted: number
  /** No path was free. */
  refused: number
  /** Frames. */
  received: number
  receivedBytes: number
  sent: number
  sentBytes: number
  /** Not sent: a queue was full. */
  sendDropped: number
  /** Closed because a frame was none, or too long. */
  garbled: number
  /** Closed for want of whole frames. */
  idle: number
  /** Closed because their queue did not drain. */
  stalled: number
}

/** What the driver does for its streams. */
export interface StreamOwner {
  /** A number for a new socket. */
  claim(): Socket
  /** The number is nobody's any more. */
  disclaim(socket: Socket): void
  /** A whole frame came; its bytes are valid during the call. */
  frame(path: Path, bytes: Uint8Array, at: number, length: number): void
  /** The stream ended, unless the machine itself closed it. Its path is held until this returns. */
  closed(path: Path): void
}

/** TCP and TLS connections, each of them a path. Frames in, frames out. */
export class StreamIo {
  readonly #paths: PathTable
  readonly #owner: StreamOwner
  readonly #limits: StreamLimits
  readonly #byPath: (Stream | undefined)[] = []
  /** With what was written in this turn, and is to leave together. */
  readonly #corked: Stream[] = []
  readonly #open = new Set<NetSocket>()
  readonly #ip = createIpScratch()
  readonly #counters: StreamCounters = {
    open: 0,
    queued: 0,
    accepted: 0,
    refused: 0,
    received: 0,
    receivedBytes: 0,
    sent: 0,
    sentBytes: 0,
    sendDropped: 0,
    garbled: 0,
    idle: 0,
    stalled: 0,
  }

  constructor(paths: PathTable, owner: StreamOwner, limits: Partial<StreamLimits> = {}) {
    this.#paths = paths
    this.#owner = owner
    this.#limits = { ...DEFAULT_STREAM_LIMITS, ...limits }
  }

  /** Takes over a connection that nobody reads from, and returns its path. It is destroyed when there is none for it. */
  accept(socket: NetSocket, transport: "tcp" | "tls", framing: Framing): Path {
    const number = this.#owner.claim()
    const ip = this.#ip
    const path = readIp(socket.remoteAddress ?? "", ip)
      ? this.#paths.intern(number, ip.bytes, ip.at, ip.length, socket.remotePort ?? 0)
      : NO_PATH
    if (path === NO_PATH) {
      this.#counters.refused++
      this.#owner.disclaim(number)
      socket.destroy()
      return NO_PATH
    }
    this.#paths.hold(path)
    this.#paths.carry(number, transport)
    const stream = new Stream(socket, number, path, framing)
    // Without holes, so that the engine keeps it a flat array: every packet that is sent looks here.
    while (path >= this.#byPath.length) this.#byPath.push(undefined)
    this.#byPath[path] = stream
    this.#open.add(socket)
    this.#counters.accepted++
    this.#counters.open++
    this.#listen(stream)
    return path
  }

  /** The stream behind a path; `undefined` for a path of UDP. */
  at(path: Path): Stream | undefined {
    return this.#byPath[path]
  }

  /**
   * Queues `bytes[from, from + length)` as one frame, copied. `forwarded` bytes are dropped where the queue is
   * full, as a relay does; what the machine says itself has some room beyond.
   */
  send(stream: Stream, bytes: Uint8Array, from: number, length: number, forwarded: boolean): void {
    if (!stream.isOpen || length === 0) return
    const { socket } = stream
    const onStream = stream.framing.lengthOnStream(length)
    const room = forwarded ? 0 : ROOM_FOR_ANSWERS
    const isFull = socket.writableLength + onStream > this.#limits.queue + room
    if (isFull || this.#counters.queued + onStream > this.#limits.queueOfAll + room) {
      this.#counters.sendDropped++
      stream.stalled ??= setTimeout(() => this.#giveUp(stream, "stalled"), this.#limits.drain)
      return
    }
    const frame = Buffer.allocUnsafe(onStream)
    frame.set(bytes.subarray(from, from + length))
    frame.fill(0, length)
    if (!stream.isCorked) {
      stream.isCorked = true
      socket.cork()
      this.#corked.push(stream)
    }
    this.#counters.sent++
    this.#counters.sentBytes += length
    socket.write(frame, stream.onWritten)
    this.#count(stream)
  }

  /** Sends what was queued in this turn. */
  flush(): void {
    if (this.#corked.length === 0) return
    for (const stream of this.#corked) {
      stream.isCorked = false
      stream.socket.uncork()
    }
    this.#corked.length = 0
  }

  /** The machine wants no more of it. Returns false when `number` is not a stream's. */
  close(number: Socket): boolean {
    const stream = this.#byPath.find(each => each?.number === number)
    if (stream === undefined) return false
    this.#end(stream)
    return true
  }

  counters(): Readonly<StreamCounters> {
    return this.#counters
  }

  /** Destroys every connection, and tells nobody; resolves when none is left. */
  async shutdown(): Promise<void> {
    for (const stream of this.#byPath) if (stream !== undefined) this.#forget(stream)
    const closed = [...this.#open].map(
      socket => new Promise<void>(resolve => void socket.once("close", () => resolve())),
    )
    for (const socket of this.#open) socket.destroy()
    await Promise.all(closed)
  }

  #listen(stream: Stream): void {
    const { socket } = stream
    stream.onWritten = () => {
      this.#count(stream)
      if (socket.writableLength === 0) stream.drained()
    }
    const take: TakeFrame = (bytes, at, length) => {
      stream.lastFrame = performance.now()
      this.#counters.received++
      this.#counters.receivedBytes += length
      this.#owner.frame(stream.path, bytes, at, length)
      return stream.isOpen
    }
    stream.idle = setTimeout(() => this.#checkIdle(stream), this.#limits.idle)
    socket.on("data", (chunk: Buffer) => {
      if (!stream.isOpen) return
      const longest = this.#isStranger(stream)
        ? Math.min(this.#limits.strangersFrame, stream.framing.longest)
        : stream.framing.longest
      if (!stream.splitter.push(chunk, longest, take)) this.#giveUp(stream, "garbled")
    })
    socket.once("end", () => this.#lost(stream))
    socket.on("error", () => socket.destroy())
    socket.once("close", () => {
      this.#open.delete(socket)
      this.#lost(stream)
      this.#count(stream)
      stream.drained()
    })
    socket.resume()
  }

  /** Whether the machine keeps nothing for it: our own hold is the only one. */
  #isStranger(stream: Stream): boolean {
    return this.#paths.holds(stream.path) <= 1
  }

  #checkIdle(stream: Stream): void {
    const left = this.#isStranger(stream)
      ? stream.lastFrame + this.#limits.idle - performance.now()
      : this.#limits.idle
    if (left > 0) stream.idle = setTimeout(() => this.#checkIdle(stream), Math.ceil(left))
    else this.#giveUp(stream, "idle")
  }

  #giveUp(stream: Stream, why: "garbled" | "idle" | "stalled"): void {
    this.#counters[why]++
    stream.socket.destroy()
    this.#lost(stream)
  }

  /** Ended, but not by the machine. */
  #lost(stream: Stream): void {
    if (!stream.isOpen) return
    stream.isOpen = false
    this.#owner.closed(stream.path)
    this.#end(stream)
  }

  /** What is queued still leaves, if it does so in time. */
  #end(stream: Stream): void {
    const { socket } = stream
    this.#forget(stream)
    if (socket.destroyed) return
    stream.stalled ??= setTimeout(() => socket.destroy(), this.#limits.drain)
    socket.destroySoon()
  }

  #forget(stream: Stream): void {
    stream.isOpen = false
    if (this.#byPath[stream.path] !== stream) return
    clearTimeout(stream.idle)
    this.#byPath[stream.path] = undefined
    this.#counters.open--
    this.#paths.carry(stream.number, "udp")
    this.#paths.release(stream.path)
    this.#owner.disclaim(stream.number)
  }

  #count(stream: Stream): void {
    const queued = stream.socket.destroyed ? 0 : stream.socket.writableLength
    this.#counters.queued += queued - stream.counted
    stream.counted = queued
  }
}

/** One connection. */
export class Stream {
  readonly socket: NetSocket
  readonly number: Socket
  readonly path: Path
  readonly framing: Framing
  readonly splitter: FrameSplitter
  isOpen = true
  isCorked = false
  /** What of `StreamCounters.queued` is its. */
  counted = 0
  /** When its last whole frame came, ms. */
  lastFrame: number = performance.now()
  idle: NodeJS.Timeout | undefined
  /** Runs while its queue must drain. */
  stalled: NodeJS.Timeout | undefined
  onWritten: () => void = () => {}

  constructor(socket: NetSocket, number: Socket, path: Path, framing: Framing) {
    this.socket = socket
    this.number = number
    this.path = path
    this.framing = framing
    this.splitter = new FrameSplitter(framing)
  }

  drained(): void {
    clearTimeout(this.stalled)
    this.stalled = undefined
  }
}
