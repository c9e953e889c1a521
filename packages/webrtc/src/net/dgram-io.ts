import { createSocket, type Socket as DgramSocket, type RemoteInfo } from "node:dgram"
import { type Address, formatIp } from "../bytes/index.ts"
import {
  type Datagram,
  HEADROOM,
  NO_PATH,
  type Path,
  type PathTable,
  type Socket,
  TAILROOM,
} from "../contract/index.ts"
import { addressFrom, createIpScratch, type IpScratch, readIp, sendText } from "./ip-text.ts"
import { type Slab, SlabRing } from "./slab.ts"
import {
  type Batch,
  type Bound,
  DEFAULT_BUFFER,
  forwardedFrom,
  noCounters,
  type UdpCounters,
  type UdpIo,
  type UdpOptions,
} from "./udp-io.ts"

const DEFAULT_SLABS = 64

/** A socket of this io. `dgram` is undefined once it was closed. */
interface Entry {
  readonly socket: Socket
  readonly family: 4 | 6
  dgram: DgramSocket | undefined
}

/** The text that node:dgram wants for a path, kept because making it costs more than the send logic. */
interface Destination {
  readonly remote: Address
  readonly text: string | undefined
}

/** A datagram that waits for `flush`. Objects of this kind are made once and used again. */
interface Queued {
  slab: Slab
  offset: number
  length: number
  entry: Entry | undefined
  text: string
  port: number
}

/**
 * `UdpIo` on node:dgram. One datagram is one batch here: libuv calls out for each, and to collect them
 * would only make them wait.
 *
 * A datagram may wait in libuv when the socket's buffer is full, with its bytes still in our slab.
 * Slabs therefore count what is in flight, and the callback of every send counts it down.
 */
export class DgramIo implements UdpIo {
  readonly form = "dgram"
  readonly #paths: PathTable
  readonly #onBatch: (batch: Batch) => void
  readonly #options: UdpOptions
  readonly #entries: (Entry | undefined)[] = []
  /** Every socket that holds a handle, bound or not. */
  readonly #open = new Set<DgramSocket>()
  #closing = false
  readonly #destinations: (Destination | undefined)[] = []

  readonly #receiveSlabs: SlabRing
  readonly #batch: ReceivedOne

  readonly #sendSlabs: SlabRing
  readonly #sent = new WeakMap<Slab, (error: Error | null) => void>()
  #queue: Queued[] = []
  #queued = 0
  #reservedPath: Path = NO_PATH
  #reservedAt = 0
  #reservedMax = 0

  readonly #counters: UdpCounters = noCounters()

  constructor(paths: PathTable, onBatch: (batch: Batch) => void, options: UdpOptions = {}) {
    this.#paths = paths
    this.#onBatch = onBatch
    this.#options = options
    this.#receiveSlabs = new SlabRing(options.slabs ?? DEFAULT_SLABS)
    this.#sendSlabs = new SlabRing(options.slabs ?? DEFAULT_SLABS)
    this.#batch = new ReceivedOne(paths, this.#receiveSlabs.current)
  }

  get bytes(): Uint8Array {
    return this.#sendSlabs.current.bytes
  }

  get view(): DataView {
    return this.#sendSlabs.current.view
  }

  bind(socket: Socket, local: Address, listens: boolean, done: (outcome: Bound) => void): void {
    const family = local.ip.length === 4 ? 4 : 6
    const dgram = createSocket({
      type: family === 4 ? "udp4" : "udp6",
      ipv6Only: family === 6 && !listens,
      lookup: literalLookup,
    })
    const entry: Entry = { socket, family, dgram }
    this.#open.add(dgram)
    dgram.once("close", () => this.#open.delete(dgram))
    const failed = (error: NodeJS.ErrnoException): void => {
      dgram.close()
      done({ code: error.code ?? "UNKNOWN", error })
    }
    dgram.once("error", failed)
    dgram.once("listening", () => {
      dgram.off("error", failed)
      if (this.#closing) {
        dgram.close()
        done({ code: "ECANCELED", error: new Error("closed while it was being bound") })
        return
      }
      dgram.on("error", () => this.#counters.socketErrors++)
      growBuffers(dgram, this.#options)
      this.#entries[socket] = entry
      dgram.on("message", (message, from) => this.#receive(entry, message, from))
      const bound = dgram.address()
      done({ local: addressFrom(bound.address, bound.port)! })
    })
    // Some versions of Node report synchronously; the caller must have returned by then.
    process.nextTick(() => dgram.bind({ address: formatIp(local.ip), port: local.port, exclusive: true }))
  }

  close(socket: Socket): void {
    const entry = this.#entries[socket]
    if (entry === undefined) return
    this.#entries[socket] = undefined
    this.#closeEntry(entry)
  }

  reserve(path: Path, max: number): number {
    const slabs = this.#sendSlabs
    slabs.make(max)
    const at = slabs.current.used
    slabs.current.bytes.fill(0, at, at + max)
    this.#reservedPath = path
    this.#reservedAt = at
    this.#reservedMax = max
    return at
  }

  commit(length: number): void {
    const path = this.#reservedPath
    this.#reservedPath = NO_PATH
    if (length === 0) return
    if (length < 0 || length > this.#reservedMax)
      throw new RangeError(`commit(${length}): ${this.#reservedMax} bytes were reserved`)
    if (this.#sendSlabs.current === this.#sendSlabs.overflow) this.#counters.sendDropped++
    else if (this.#enqueue(this.#sendSlabs.current, this.#reservedAt, length, path))
      this.#sendSlabs.take(length)
  }

  forward(d: Datagram, skip: number, length: number, path: Path): void {
    const slab = this.#batch.slab
    if (d.bytes !== slab.bytes) throw new TypeError("forward: the datagram is not of the batch being handled")
    const offset = forwardedFrom(d, skip, length)
    if (this.#enqueue(slab, offset, length, path)) slab.inFlight++
  }

  flush(): void {
    // Closing a socket or an error callback never runs within: node:dgram defers both.
    for (let i = 0; i < this.#queued; i++) this.#send(this.#queue[i]!)
    this.#queued = 0
  }

  hand(path: Path, bytes: Uint8Array, from: number, length: number): void {
    const slabs = this.#receiveSlabs
    const size = HEADROOM + length + TAILROOM
    if (!slabs.make(size)) {
      this.#counters.receiveDropped++
      return
    }
    const slab = slabs.current
    const at = slab.used + HEADROOM
    slab.bytes.set(bytes.subarray(from, from + length), at)
    this.#batch.pointTo(slab, at, length, path)
    this.#handUp(slab, size)
  }

  counters(): Readonly<UdpCounters> {
    return this.#counters
  }

  async shutdown(): Promise<void> {
    this.#closing = true
    for (const entry of this.#entries) if (entry !== undefined) this.close(entry.socket)
    await Promise.all(
      [...this.#open].map(dgram => new Promise<void>(resolve => void dgram.once("close", resolve))),
    )
  }

  #receive(entry: Entry, message: Buffer, from: RemoteInfo): void {
    if (entry.dgram === undefined) return
    this.#counters.received++
    this.#counters.receivedBytes += message.length
    const slabs = this.#receiveSlabs
    const size = HEADROOM + message.length + TAILROOM
    if (!readIp(from.address, this.#batch.ip) || !slabs.make(size)) {
      this.#counters.receiveDropped++
      return
    }
    const slab = slabs.current
    const at = slab.used + HEADROOM
    slab.bytes.set(message, at)
    this.#batch.point(slab, at, message.length, entry.socket, from.port)
    this.#handUp(slab, size)
    if (this.#batch.dropped) this.#counters.receiveDropped++
  }

  #handUp(slab: Slab, size: number): void {
    // Held while it is handled, so that nothing else is written over it.
    this.#receiveSlabs.take(size)
    this.#onBatch(this.#batch)
    slab.inFlight--
  }

  /** Destinations are resolved here and not at `flush`: the path may be recycled in between. */
  #enqueue(slab: Slab, offset: number, length: number, path: Path): boolean {
    const entry = path === NO_PATH ? undefined : this.#entries[this.#paths.socket(path)]
    const destination = entry === undefined ? undefined : this.#destination(path, entry.family)
    if (entry === undefined || destination?.text === undefined || destination.remote.port === 0) {
      this.#counters.sendDropped++
      return false
    }
    let queued = this.#queue[this.#queued]
    if (queued === undefined) {
      queued = { slab, offset, length, entry, text: "", port: 0 }
      this.#queue.push(queued)
    }
    queued.slab = slab
    queued.offset = offset
    queued.length = length
    queued.entry = entry
    queued.text = destination.text
    queued.port = destination.remote.port
    this.#queued++
    return true
  }

  #destination(path: Path, family: 4 | 6): Destination {
    const remote = this.#paths.remote(path)
    const known = this.#destinations[path]
    // The table hands out the same object for as long as the path means the same.
    if (known?.remote === remote) return known
    const made = { remote, text: sendText(remote.ip, family) }
    this.#destinations[path] = made
    return made
  }

  #send(queued: Queued): void {
    const { slab, entry } = queued
    const dgram = entry?.dgram
    queued.entry = undefined
    if (dgram === undefined) {
      slab.inFlight--
      this.#counters.sendDropped++
      return
    }
    this.#counters.sent++
    this.#counters.sentBytes += queued.length
    const sent = this.#sentOf(slab)
    try {
      dgram.send(slab.bytes, queued.offset, queued.length, queued.port, queued.text, sent)
    } catch (error) {
      sent(error as Error)
    }
  }

  /** One callback per slab, not per datagram. */
  #sentOf(slab: Slab): (error: Error | null) => void {
    let sent = this.#sent.get(slab)
    if (sent === undefined) {
      sent = error => {
        slab.inFlight--
        if (error !== null) this.#counters.sendErrors++
      }
      this.#sent.set(slab, sent)
    }
    return sent
  }

  #closeEntry(entry: Entry): void {
    const dgram = entry.dgram
    entry.dgram = undefined
    // After the sends that node:dgram itself may have put off by one tick.
    if (dgram !== undefined) process.nextTick(() => dgram.close())
  }
}

/** The one datagram that node:dgram or a stream handed up. */
class ReceivedOne implements Batch {
  readonly count = 1
  readonly ip: IpScratch = createIpScratch()
  slab: Slab
  dropped = false
  readonly #paths: PathTable
  #offset = 0
  #length = 0
  #socket: Socket = 0
  #port = 0
  /** Where the path is known already. */
  #path: Path = NO_PATH

  constructor(paths: PathTable, slab: Slab) {
    this.#paths = paths
    this.slab = slab
  }

  point(slab: Slab, offset: number, length: number, socket: Socket, port: number): void {
    this.slab = slab
    this.#offset = offset
    this.#length = length
    this.#socket = socket
    this.#port = port
    this.#path = NO_PATH
    this.dropped = false
  }

  pointTo(slab: Slab, offset: number, length: number, path: Path): void {
    this.slab = slab
    this.#offset = offset
    this.#length = length
    this.#path = path
    this.dropped = false
  }

  read(_i: number, d: Datagram): boolean {
    const path = this.#path === NO_PATH ? this.#intern() : this.#path
    if (path === NO_PATH) {
      this.dropped = true
      return false
    }
    d.bytes = this.slab.bytes
    d.view = this.slab.view
    d.offset = this.#offset
    d.length = this.#length
    d.path = path
    d.ecn = 0
    return true
  }

  #intern(): Path {
    const { bytes, at, length } = this.ip
    return this.#paths.intern(this.#socket, bytes, at, length, this.#port)
  }
}

/** node:dgram looks every address up; these are addresses already, and the answer can come at once. */
function literalLookup(
  address: string,
  _options: unknown,
  callback: (error: Error | null, address: string, family: number) => void,
): void {
  callback(null, address, address.includes(":") ? 6 : 4)
}

function growBuffers(dgram: DgramSocket, options: UdpOptions): void {
  // Systems cap these, and some refuse instead: smaller buffers lose packets sooner, nothing else.
  try {
    dgram.setRecvBufferSize(options.receiveBuffer ?? DEFAULT_BUFFER)
  } catch {}
  try {
    dgram.setSendBufferSize(options.sendBuffer ?? DEFAULT_BUFFER)
  } catch {}
}
