import type { Address } from "../bytes/index.ts"
import { Fragmentation } from "./fragmentation.ts"
import { errorName, type Libc, loadLibc } from "./libc.ts"
import {
  AF_INET,
  AF_INET6,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  POLLIN,
  SO_RCVBUF,
  SO_REUSEPORT,
  SO_SNDBUF,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCKADDR,
  SOCKADDR_IN_LENGTH,
  SOCKADDR_IN6_LENGTH,
  SOL_SOCKET,
  SOL_UDP,
  UDP_GRO,
} from "./linux.ts"
import { Memory } from "./memory.ts"
import { Readiness } from "./readiness.ts"
import { ReceiveBatch, type Room } from "./receive-batch.ts"
import { type SendCounters, SendQueue } from "./send-queue.ts"
import { Signal } from "./signal.ts"
import { socketAddress, writeSocketAddress } from "./socket-address.ts"

export interface OpenOptions {
  /** A socket of `::` takes IPv4 too. */
  readonly dualStack: boolean
  /**
   * Sockets of this machine's user share the port, and each gets the packets of some senders. The `first` takes the port
   * for itself, as any socket does, and lets those `join` that come later.
   */
  readonly share?: "first" | "join" | undefined
  /** Runs of datagrams are handed over as one message: only for a `ReceiveBatch` that is `merged`. */
  readonly merged?: boolean
  /** Bytes. The system may grant less. */
  readonly receiveBuffer: number
  readonly sendBuffer: number
}

export type Opened =
  | { readonly fd: number; readonly local: Address }
  /** The system's: `EADDRINUSE`. */
  | { readonly code: string }

/** UDP sockets by their file descriptors, and what receives and sends many datagrams by one system call. */
export class UdpSockets {
  /** Whether the kernel cuts messages into datagrams (UDP_SEGMENT). */
  readonly segmentation: boolean
  /** Whether datagrams can be kept from being fragmented: `SendQueue.sendUnfragmented`. */
  readonly canForbidFragments: boolean
  readonly #libc: Libc
  readonly #scratch: Memory

  private constructor(libc: Libc, segmentation: boolean) {
    this.#libc = libc
    this.segmentation = segmentation
    this.canForbidFragments = Fragmentation.canBeForbidden(libc)
    this.#scratch = new Memory(libc, 2 * SOCKADDR)
  }

  /** Tries all of it over the loopback first. What it returns instead says why this cannot be had here. */
  static load(): UdpSockets | string {
    const libc = loadLibc()
    if (typeof libc === "string") return libc
    try {
      const problem = selfTest(new UdpSockets(libc, false), libc)
      if (problem !== undefined) return problem
      return new UdpSockets(libc, selfTest(new UdpSockets(libc, true), libc) === undefined)
    } catch (error) {
      return `the self-test failed: ${String(error)}`
    }
  }

  /** Binds a new socket that never blocks. Whoever gets its descriptor closes it. */
  open(local: Address, options: OpenOptions): Opened {
    const libc = this.#libc
    const family = local.ip.length === 4 ? 4 : 6
    const fd = libc.socket(family === 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
    if (fd < 0) return { code: errorName(libc.errno()) }
    if (family === 6) this.#set(fd, IPPROTO_IPV6, IPV6_V6ONLY, options.dualStack ? 0 : 1)
    if (options.share === "join") this.#set(fd, SOL_SOCKET, SO_REUSEPORT, 1)
    if (options.merged) this.#set(fd, SOL_UDP, UDP_GRO, 1)
    this.#set(fd, SOL_SOCKET, SO_RCVBUF, options.receiveBuffer)
    this.#set(fd, SOL_SOCKET, SO_SNDBUF, options.sendBuffer)
    const { bytes, view, address } = this.#scratch
    writeSocketAddress(bytes, 0, family, local.ip, local.port)
    if (libc.bind(fd, address, family === 4 ? SOCKADDR_IN_LENGTH : SOCKADDR_IN6_LENGTH) !== 0) {
      const code = errorName(libc.errno())
      this.close(fd)
      return { code }
    }
    // Only now: had it the option before, it would join whoever shares the port already, as another process may.
    if (options.share === "first") this.#set(fd, SOL_SOCKET, SO_REUSEPORT, 1)
    view.setUint32(SOCKADDR, SOCKADDR, true)
    if (libc.getsockname(fd, address, address + SOCKADDR) !== 0) {
      const code = errorName(libc.errno())
      this.close(fd)
      return { code }
    }
    return { fd, local: socketAddress(bytes, 0) }
  }

  close(fd: number): void {
    this.#libc.close(fd)
  }

  receiveBatch(capacity: number, room: Room, merged = false): ReceiveBatch {
    return new ReceiveBatch(this.#libc, capacity, room, merged)
  }

  sendQueue(capacity: number, keys: number, counters: SendCounters): SendQueue {
    return new SendQueue(this.#libc, capacity, keys, counters, this.segmentation)
  }

  /** `capacity`: sockets that one look tells of. */
  readiness(capacity: number): Readiness {
    return new Readiness(this.#libc, capacity)
  }

  /** What other threads wake a thread by that waits in `Readiness`. */
  signal(): Signal {
    return Signal.create(this.#libc)
  }

  /** A signal of another thread, by its descriptor. */
  signalOf(fd: number): Signal {
    return Signal.of(this.#libc, fd)
  }

  memory(length: number): Memory {
    return new Memory(this.#libc, length)
  }

  /** What the system does not grant is done without: the smaller buffer loses packets sooner, nothing else. */
  #set(fd: number, level: number, option: number, value: number): void {
    const { view, address } = this.#scratch
    view.setInt32(0, value, true)
    this.#libc.setsockopt(fd, level, option, address, 4)
  }
}

/** How long the loopback may take, ms: it takes microseconds. */
const SELF_TEST_PATIENCE = 1000

/** Sends datagrams of known bytes from one socket to another, and says what differs. */
function selfTest(sockets: UdpSockets, libc: Libc): string | undefined {
  const buffers = { dualStack: false, receiveBuffer: 65_536, sendBuffer: 65_536 }
  const loopback = { ip: Uint8Array.of(127, 0, 0, 1), port: 0 }
  const [from, to] = [sockets.open(loopback, buffers), sockets.open(loopback, buffers)]
  try {
    if ("code" in from) return `a socket on the loopback: ${from.code}`
    if ("code" in to) return `a socket on the loopback: ${to.code}`
    const counters: SendCounters = { sent: 0, sentBytes: 0, sendDropped: 0, sendErrors: 0 }
    const queue = sockets.sendQueue(4, 1, counters)
    const memory = sockets.memory(4096)
    const route = { fd: from.fd, family: 4, ...to.local } as const
    const lengths = [1200, 1200, 700]
    let at = 0
    for (const [i, length] of lengths.entries()) {
      memory.bytes.fill(i + 1, at, at + length)
      queue.add(0, route, memory, at, length)
      at += length
    }
    queue.flush()
    if (counters.sent !== lengths.length) return `${counters.sent} of ${lengths.length} datagrams were sent`
    const batch = sockets.receiveBatch(4, { head: 64, tail: 64 })
    let count = 0
    while (count < lengths.length) {
      if (!isReadable(to.fd, libc)) return `${count} of ${lengths.length} datagrams arrived`
      count += batch.receive(to.fd, count)
    }
    const sender = { at: 0, length: 0, port: 0 }
    for (const [i, length] of lengths.entries()) {
      batch.sender(i, sender)
      const start = batch.offset(i)
      const bytes = batch.memory.bytes.subarray(start, start + length)
      const isRight = batch.length(i) === length && bytes.every(byte => byte === i + 1)
      if (!isRight || sender.port !== from.local.port || sender.length !== 4)
        return `datagram ${i} arrived changed`
    }
    return undefined
  } finally {
    for (const opened of [from, to]) if ("fd" in opened) sockets.close(opened.fd)
  }
}

function isReadable(fd: number, libc: Libc): boolean {
  const poll = new Memory(libc, 8)
  poll.view.setInt32(0, fd, true)
  poll.view.setInt16(4, POLLIN, true)
  return libc.poll(poll.address, 1, SELF_TEST_PATIENCE) === 1
}
