import type { RemoteInfo } from "node:dgram"
import { type Address, formatAddress } from "../bytes/index.ts"
import {
  type Datagram,
  HEADROOM,
  NO_PATH,
  type Path,
  type PathTable,
  type Socket,
  TAILROOM,
} from "../contract/index.ts"
import type { IpAt, Memory, ReceiveBatch, Route, SendQueue, UdpSockets } from "../native/index.ts"
import { createIpScratch, readIp } from "./ip-text.ts"
import {
  type Batch,
  type Bound,
  DEFAULT_BUFFER,
  forwardedFrom,
  noCounters,
  type UdpIo,
  type UdpOptions,
} from "./udp-io.ts"
import { NODE_WAITING, type Waiting, type Watched } from "./waiting.ts"

/** Datagrams of one receiving system call. */
const BATCH = 64
/** System calls that one wake-up of a socket may take to empty it: others, and timers, have their turn as well. */
const ROUNDS = 4
/** Datagrams that may wait for one flush. More are flushed in between. */
const QUEUE = 1024
/** Bytes that machines may write for one flush. */
const SEND_MEMORY = 256 * 1024

interface Entry {
  readonly socket: Socket
  readonly family: 4 | 6
  readonly fd: number
  readonly watched: Watched
  isOpen: boolean
}

interface Destination extends Route {
  /** The path table's own: a path that means somebody else now has another. */
  readonly remote: Address
  readonly entry: Entry
}

/**
 * `UdpIo` on the system calls that receive and send many datagrams at once.
 *
 * Who waits for datagrams is another's matter (`Waiting`): node:dgram, which owns the descriptor then and whose
 * "message" is the wake-up, or a loop of the thread's own. What waits by then is received here, handed up as one batch, and
 * what the machine says to it leaves together.
 */
export class BatchedIo implements UdpIo {
  readonly form = "batched"
  readonly forwardUnfragmented?: UdpIo["forward"]
  readonly #paths: PathTable
  readonly #onBatch: (batch: Batch) => void
  readonly #options: UdpOptions
  readonly #sockets: UdpSockets
  readonly #entries: (Entry | undefined)[] = []
  readonly #waiting: Waiting
  readonly #closes = new Set<Promise<void>>()
  #closing = false
  readonly #destinations: (Destination | undefined)[] = []
  readonly #counters = noCounters()

  readonly #merged: boolean
  readonly #received: ReceiveBatch
  readonly #batch: Received
  readonly #queue: SendQueue
  readonly #memory: Memory
  #used = 0
  #reservedPath: Path = NO_PATH
  #reservedMax = 0

  constructor(
    sockets: UdpSockets,
    paths: PathTable,
    onBatch: (batch: Batch) => void,
    options: UdpOptions = {},
    waiting: Waiting = NODE_WAITING,
  ) {
    this.#sockets = sockets
    this.#waiting = waiting
    this.#paths = paths
    this.#onBatch = onBatch
    this.#options = options
    // Whoever receives one by one would take many for one.
    this.#merged = !waiting.readsFirst
    this.#received = sockets.receiveBatch(BATCH, { head: HEADROOM, tail: TAILROOM }, this.#merged)
    this.#batch = new Received(paths, this.#received, () => this.#counters.receiveDropped++)
    this.#queue = sockets.sendQueue(QUEUE, paths.capacity, this.#counters)
    this.#memory = sockets.memory(SEND_MEMORY)
    if (sockets.canForbidFragments) this.forwardUnfragmented = this.#forwardUnfragmented
  }

  get bytes(): Uint8Array {
    return this.#memory.bytes
  }

  get view(): DataView {
    return this.#memory.view
  }

  bind(socket: Socket, local: Address, listens: boolean, done: (outcome: Bound) => void): void {
    const { receiveBuffer = DEFAULT_BUFFER, sendBuffer = DEFAULT_BUFFER } = this.#options
    const opened = this.#sockets.open(local, {
      dualStack: listens,
      share: listens ? this.#options.share : undefined,
      merged: this.#merged,
      receiveBuffer,
      sendBuffer,
    })
    if ("code" in opened) {
      const error = new Error(`bind ${opened.code} ${formatAddress(local)}`)
      this.#waiting.later(() => done({ code: opened.code, error }))
      return
    }
    const { fd } = opened
    const family = local.ip.length === 4 ? 4 : 6
    this.#waiting.later(() => {
      if (this.#closing) {
        this.#sockets.close(fd)
        done({ code: "ECANCELED", error: new Error("closed while it was being bound") })
        return
      }
      const watched = this.#waiting.watch(fd, family, {
        readable: (first, from) => this.#wake(entry, first, from),
        failed: () => this.#counters.socketErrors++,
      })
      const entry: Entry = { socket, family, fd, watched, isOpen: true }
      this.#entries[socket] = entry
      done({ local: opened.local })
    })
  }

  close(socket: Socket): void {
    const entry = this.#entries[socket]
    if (entry === undefined) return
    this.#queue.flush()
    this.#entries[socket] = undefined
    entry.isOpen = false
    const closed = entry.watched.close()
    this.#closes.add(closed)
    void closed.then(() => this.#closes.delete(closed))
  }

  reserve(path: Path, max: number): number {
    if (max > SEND_MEMORY) throw new RangeError(`a datagram of ${max} bytes: at most ${SEND_MEMORY}`)
    if (this.#used + max > SEND_MEMORY) this.flush()
    const at = this.#used
    this.#memory.bytes.fill(0, at, at + max)
    this.#reservedPath = path
    this.#reservedMax = max
    return at
  }

  commit(length: number): void {
    const path = this.#reservedPath
    this.#reservedPath = NO_PATH
    if (length === 0) return
    if (length < 0 || length > this.#reservedMax)
      throw new RangeError(`commit(${length}): ${this.#reservedMax} bytes were reserved`)
    this.#enqueue(path, this.#memory, this.#used, length)
    this.#used += (length + 7) & ~7
  }

  forward(d: Datagram, skip: number, length: number, path: Path): void {
    this.#enqueue(path, this.#received.memory, this.#offsetOf(d, skip, length), length)
  }

  flush(): void {
    this.#queue.flush()
    this.#used = 0
  }

  hand(path: Path, bytes: Uint8Array, from: number, length: number): void {
    if (length > MAX_HANDED) {
      this.#counters.receiveDropped++
      return
    }
    this.#received.memory.bytes.set(bytes.subarray(from, from + length), this.#received.offset(0))
    this.#batch.handed(path, length)
    this.#onBatch(this.#batch)
  }

  counters(): Readonly<ReturnType<typeof noCounters>> {
    return this.#counters
  }

  async shutdown(): Promise<void> {
    this.#closing = true
    for (const entry of this.#entries) if (entry !== undefined) this.close(entry.socket)
    await Promise.all(this.#closes)
  }

  /** Returns whether there may be more than was received. */
  #wake(entry: Entry, first?: Uint8Array, from?: RemoteInfo): boolean {
    if (!entry.isOpen) return false
    let slot = 0
    if (first !== undefined && from !== undefined) {
      this.#received.memory.bytes.set(first, this.#received.offset(0))
      this.#batch.first(entry.socket, first.length, from)
      slot = 1
    }
    for (let round = 0; round < ROUNDS && entry.isOpen; round++, slot = 0) {
      const count = this.#received.receive(entry.fd, slot)
      this.#batch.rest(entry.socket, slot, count)
      if (this.#batch.count === 0) return false
      this.#counters.received += this.#batch.count
      this.#counters.receivedBytes += this.#batch.bytes
      this.#onBatch(this.#batch)
      if (!this.#received.isFull) return false
    }
    return entry.isOpen
  }

  readonly #forwardUnfragmented: UdpIo["forward"] = (d, skip, length, path) => {
    const offset = this.#offsetOf(d, skip, length)
    const destination = path === NO_PATH ? undefined : this.#destination(path)
    if (destination === undefined) this.#counters.sendDropped++
    else this.#queue.sendUnfragmented(path, destination, this.#received.memory, offset, length)
  }

  /** Where the bytes of a `forward` begin in the memory of what was received. */
  #offsetOf(d: Datagram, skip: number, length: number): number {
    if (d.bytes !== this.#received.memory.bytes)
      throw new TypeError("forward: the datagram is not of the batch being handled")
    return forwardedFrom(d, skip, length)
  }

  #enqueue(path: Path, memory: Memory, offset: number, length: number): void {
    const destination = path === NO_PATH ? undefined : this.#destination(path)
    if (destination === undefined) this.#counters.sendDropped++
    else this.#queue.add(path, destination, memory, offset, length)
  }

  #destination(path: Path): Destination | undefined {
    const remote = this.#paths.remote(path)
    const known = this.#destinations[path]
    // The table hands out the same object for as long as the path means the same.
    if (known?.remote === remote && known.entry.isOpen) return known
    const entry = this.#entries[this.#paths.socket(path)]
    if (entry === undefined || remote.port === 0 || (entry.family === 4 && remote.ip.length !== 4))
      return undefined
    const made = { fd: entry.fd, family: entry.family, ip: remote.ip, port: remote.port, remote, entry }
    this.#destinations[path] = made
    return made
  }
}

/** What fits into a slot. */
const MAX_HANDED = 65_536

/** What one system call brought, and in front of it what node:dgram or a stream did. */
class Received implements Batch {
  count = 0
  /** The sum of the lengths. */
  bytes = 0
  readonly #paths: PathTable
  readonly #received: ReceiveBatch
  readonly #onDropped: () => void
  readonly #sender: IpAt = { at: 0, length: 0, port: 0 }
  readonly #ip = createIpScratch()
  #socket: Socket = 0
  /** Whether slot 0 is filled by another than the system call: its length then, and its path or its port. */
  #hasFirst = false
  #firstLength = 0
  #firstPort = 0
  #firstPath: Path = NO_PATH

  constructor(paths: PathTable, received: ReceiveBatch, onDropped: () => void) {
    this.#paths = paths
    this.#received = received
    this.#onDropped = onDropped
  }

  first(socket: Socket, length: number, from: RemoteInfo): void {
    this.#hasFirst = true
    this.#socket = socket
    this.#firstLength = length
    this.#firstPort = from.port
    this.#firstPath = NO_PATH
    if (!readIp(from.address, this.#ip)) this.#firstPort = -1
  }

  handed(path: Path, length: number): void {
    this.#hasFirst = true
    this.#firstLength = length
    this.#firstPath = path
    this.count = 1
    this.bytes = length
  }

  /** `count` datagrams in the slots from `slot` on, 0 or 1. */
  rest(socket: Socket, slot: number, count: number): void {
    this.#hasFirst = slot === 1
    this.#socket = socket
    this.count = slot + count
    this.bytes = slot === 1 ? this.#firstLength : 0
    for (let i = slot; i < this.count; i++) this.bytes += this.#received.length(i)
  }

  read(i: number, d: Datagram): boolean {
    const isFirst = i === 0 && this.#hasFirst
    const path = isFirst ? this.#pathOfFirst() : this.#pathOf(i)
    if (path === NO_PATH) {
      this.#onDropped()
      return false
    }
    d.bytes = this.#received.memory.bytes
    d.view = this.#received.memory.view
    d.offset = this.#received.offset(i)
    d.length = isFirst ? this.#firstLength : this.#received.length(i)
    d.path = path
    d.ecn = 0
    return true
  }

  #pathOfFirst(): Path {
    if (this.#firstPath !== NO_PATH) return this.#firstPath
    const { bytes, at, length } = this.#ip
    return this.#firstPort < 0
      ? NO_PATH
      : this.#paths.intern(this.#socket, bytes, at, length, this.#firstPort)
  }

  #pathOf(i: number): Path {
    const sender = this.#sender
    this.#received.sender(i, sender)
    return this.#paths.intern(this.#socket, this.#received.names, sender.at, sender.length, sender.port)
  }
}
