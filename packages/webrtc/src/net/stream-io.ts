import type { Socket as NetSocket } from "node:net"
import {
  type Flow,
  type Framing,
  NO_PATH,
  type Path,
  type PathTable,
  type Socket,
} from "../contract/index.ts"
import { FrameSplitter, type TakeFrame } from "./frame-splitter.ts"
import { createIpScratch, readIp } from "./ip-text.ts"
import { JoinedStreams } from "./joined-streams.ts"

export interface StreamLimits {
  /** How long a connection that the machine holds no path of may go without a whole frame, ms. Default 30,000. */
  readonly idle: number
  /** The longest frame of such a connection, bytes: all that a stranger can make us keep. Default 4,096. */
  readonly strangersFrame: number
  /** Bytes that may wait to be sent on one connection; more are dropped. Default 1 MiB. */
  readonly queue: number
  /**
   * Bytes that may wait to be sent on all connections together; more are dropped. Those that are joined have as much for
   * themselves: whoever reads slowly there may do so for long. Default 64 MiB.
   */
  readonly queueOfAll: number
  /** How long a connection whose queue was full, or that is being closed, may take to send it, ms. Default 10,000. */
  readonly drain: number
  /** Connections that may be under way at one time, of those that the machine opens. Default 1,000. */
  readonly connecting: number
  /** How long such a one may take, ms, its TLS handshake included. Default 30,000. */
  readonly connect: number
  /**
   * Bytes that may wait to be sent on one of two streams that are joined before nothing more is read from the other.
   * Default 64 KiB.
   */
  readonly joinedQueue: number
}

export const DEFAULT_STREAM_LIMITS: StreamLimits = {
  idle: 30_000,
  strangersFrame: 4_096,
  queue: 1024 * 1024,
  queueOfAll: 64 * 1024 * 1024,
  drain: 10_000,
  connecting: 1_000,
  connect: 30_000,
  joinedQueue: 64 * 1024,
}

/**
 * What the machine writes itself is answers, and on a stream nobody asks twice: they may go this many bytes
 * beyond a queue that is full of forwarded data.
 */
const ROOM_FOR_ANSWERS = 64 * 1024

/** Since the start, but for `open`, `queued` and `joinedQueued`. */
export interface StreamCounters {
  open: number
  /** Bytes that wait to be sent. */
  queued: number
  /** Those of them that wait on connections that are joined. */
  joinedQueued: number
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
  /** Pairs that were joined, and the bytes that went from one of them to the other. */
  joined: number
  joinedBytes: number
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
  readonly #bySocket = new Map<Socket, Stream>()
  /** With what was written in this turn, and is to leave together. */
  readonly #corked: Stream[] = []
  readonly #open = new Set<NetSocket>()
  readonly #ip = createIpScratch()
  readonly #counters: StreamCounters = {
    open: 0,
    queued: 0,
    joinedQueued: 0,
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
    joined: 0,
    joinedBytes: 0,
  }

  constructor(paths: PathTable, owner: StreamOwner, limits: Partial<StreamLimits> = {}) {
    this.#paths = paths
    this.#owner = owner
    this.#limits = { ...DEFAULT_STREAM_LIMITS, ...limits }
  }

  /**
   * Takes over a connection that nobody reads from, and returns its path. It is destroyed when there is none for it.
   * Without `framing` it is not read from until it is joined.
   */
  accept(socket: NetSocket, transport: "tcp" | "tls", framing: Framing | undefined): Path {
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
    this.#bySocket.set(number, stream)
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
    const onStream = stream.framing?.lengthOnStream(length) ?? length
    const room = forwarded ? 0 : ROOM_FOR_ANSWERS
    const isFull = socket.writableLength + onStream > this.#limits.queue + room
    const queuedOfAll = this.#counters.queued - this.#counters.joinedQueued
    if (isFull || queuedOfAll + onStream > this.#limits.queueOfAll + room) {
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

  /** The bytes of each go to the other from now on. Returns false when one is no stream, or joined already. */
  join([one, other]: readonly [Path, Path], flow: Flow | undefined): boolean {
    const [a, b] = [this.#byPath[one], this.#byPath[other]]
    if (a === undefined || b === undefined || a === b || a.joined !== undefined || b.joined !== undefined)
      return false
    const joined = new JoinedStreams(a, b, flow, {
      passed: (length, to) => {
        this.#counters.joinedBytes += length
        this.#count(to)
      },
      isFull: queued =>
        queued >= this.#limits.joinedQueue ||
        (queued > 0 && this.#counters.joinedQueued >= this.#limits.queueOfAll),
    })
    this.#counters.joined++
    for (const stream of [a, b]) {
      stream.joined = joined
      this.#counters.joinedQueued += stream.counted
      const begun = stream.splitter?.takeBegun()
      if (begun !== undefined && begun.length > 0) joined.carry(stream, begun)
      if (stream.splitter === undefined) this.#read(stream)
    }
    return true
  }

  /** The machine wants no more of it. Returns false when `number` is not a stream's. */
  close(number: Socket): boolean {
    const stream = this.#bySocket.get(number)
    if (stream === undefined) return false
    this.#end(stream)
    const other = stream.joined?.otherOf(stream)
    if (other?.isOpen) this.#end(other)
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
    stream.idle = setTimeout(() => this.#checkIdle(stream), this.#limits.idle)
    socket.once("end", () => this.#lost(stream))
    socket.on("error", () => socket.destroy())
    socket.once("close", () => {
      this.#open.delete(socket)
      this.#lost(stream)
      this.#count(stream)
      stream.drained()
    })
    if (stream.splitter !== undefined) this.#read(stream)
  }

  #read(stream: Stream): void {
    const { framing, splitter } = stream
    const take: TakeFrame = (bytes, at, length) => {
      stream.lastFrame = performance.now()
      this.#counters.received++
      this.#counters.receivedBytes += length
      this.#owner.frame(stream.path, bytes, at, length)
      return stream.isOpen && stream.joined === undefined
    }
    stream.socket.on("data", (chunk: Buffer) => {
      if (!stream.isOpen) return
      if (stream.joined !== undefined || framing === undefined || splitter === undefined)
        return carry(stream, chunk)
      const longest = this.#isStranger(stream)
        ? Math.min(this.#limits.strangersFrame, framing.longest)
        : framing.longest
      const taken = splitter.push(chunk, longest, take)
      if (taken < 0) this.#giveUp(stream, "garbled")
      // It was joined or closed by one of these frames.
      else if (taken < chunk.length) carry(stream, chunk.subarray(taken))
    })
    stream.socket.resume()
  }

  /** Whether the machine keeps nothing for it: our own hold is the only one. */
  #isStranger(stream: Stream): boolean {
    return this.#paths.holds(stream.path) <= 1
  }

  #checkIdle(stream: Stream): void {
    if (stream.joined !== undefined) return
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
    const other = stream.joined?.otherOf(stream)
    if (other !== undefined) this.#lost(other)
  }

  /** What is queued still leaves, if it does so in time. */
  #end(stream: Stream): void {
    const { socket } = stream
    // Nobody read from it or said anything on it. In order, it would leave a trace in the system for a minute (TIME-WAIT), which strangers
    // could cause at will by connecting to where they are not wanted.
    const isUnused = stream.splitter === undefined && stream.joined === undefined
    const canReset = isUnused && socket.bytesWritten === 0 && this.#paths.transport(stream.path) === "tcp"
    this.#forget(stream)
    if (socket.destroyed) return
    if (canReset) {
      socket.resetAndDestroy()
      return
    }
    stream.stalled ??= setTimeout(() => socket.destroy(), this.#limits.drain)
    socket.destroySoon()
  }

  #forget(stream: Stream): void {
    stream.isOpen = false
    if (this.#byPath[stream.path] !== stream) return
    clearTimeout(stream.idle)
    stream.joined?.end()
    this.#byPath[stream.path] = undefined
    this.#bySocket.delete(stream.number)
    this.#counters.open--
    this.#paths.carry(stream.number, "udp")
    this.#paths.release(stream.path)
    this.#owner.disclaim(stream.number)
  }

  #count(stream: Stream): void {
    const queued = stream.socket.destroyed ? 0 : stream.socket.writableLength
    this.#counters.queued += queued - stream.counted
    if (stream.joined !== undefined) this.#counters.joinedQueued += queued - stream.counted
    stream.counted = queued
  }
}

/** Passes bytes on, where the stream that they came on is joined. */
function carry(stream: Stream, bytes: Uint8Array): void {
  stream.joined?.carry(stream, bytes)
}

/** One connection. */
export class Stream {
  readonly socket: NetSocket
  readonly number: Socket
  readonly path: Path
  readonly framing: Framing | undefined
  /** Of one with framing. */
  readonly splitter: FrameSplitter | undefined
  joined: JoinedStreams | undefined
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

  constructor(socket: NetSocket, number: Socket, path: Path, framing: Framing | undefined) {
    this.socket = socket
    this.number = number
    this.path = path
    this.framing = framing
    this.splitter = framing && new FrameSplitter(framing)
  }

  drained(): void {
    clearTimeout(this.stalled)
    this.stalled = undefined
  }
}
