import type { Address } from "../bytes/index.ts"
import {
  type Datagram,
  HEADROOM,
  type Path,
  type PathTable,
  type Socket,
  TAILROOM,
} from "../contract/index.ts"

/**
 * UDP sockets that hand up batches of datagrams and take batches down. The driver sees nothing else of
 * the platform, so a form that receives and sends many datagrams per system call can stand here.
 *
 * Errors of the network (an unreachable host, a full buffer) are counted and never thrown.
 */
export interface UdpIo {
  /** Which form this is, for reports: `dgram`, `batched`. */
  readonly form: string

  /**
   * Binds `socket` to `local`. `done` is called once, never before `bind` returned. One that `listens` takes IPv4 too
   * where it is on `::`, which is handed up as IPv4, and shares its port where the options say so.
   */
  bind(socket: Socket, local: Address, listens: boolean, done: (outcome: Bound) => void): void
  /** Frees the port. What was sent before still leaves. */
  close(socket: Socket): void

  /** The send slab; it may move with each `reserve`. */
  readonly bytes: Uint8Array
  readonly view: DataView
  /** Room for `max` zeroed bytes to `path`; returns the offset to write at. */
  reserve(path: Path, max: number): number
  /** Queues the first `length` bytes of the last `reserve`; 0 queues nothing. */
  commit(length: number): void
  /** Queues bytes of a received datagram, uncopied. Only for a datagram of the batch being handled. */
  forward(d: Datagram, skip: number, length: number, path: Path): void
  /** As `forward`, but at once and in one piece or not at all (the DF bit is set). Absent where that cannot be had. */
  readonly forwardUnfragmented?: UdpIo["forward"]
  /** Sends what was queued. */
  flush(): void
  /**
   * Hands up bytes that came to `path` another way, copied to where received datagrams are: a batch of one, which can
   * be forwarded like any other.
   */
  hand(path: Path, bytes: Uint8Array, at: number, length: number): void

  counters(): Readonly<UdpCounters>
  /** Closes every socket; resolves when none is left. */
  shutdown(): Promise<void>
}

/** A batch of received datagrams, valid during the call that hands it up. */
export interface Batch {
  readonly count: number
  /** Points `d` at datagram `i`, 0 ≤ `i` < `count`; false when no path could be interned for it. */
  read(i: number, d: Datagram): boolean
}

/** What a form of `UdpIo` is made from. */
export type CreateUdpIo = (paths: PathTable, onBatch: (batch: Batch) => void, options: UdpOptions) => UdpIo

export interface UdpOptions {
  /** SO_RCVBUF in bytes, of each socket. The system may grant less. Default 4 MiB. */
  readonly receiveBuffer?: number
  /** Several sockets of this process listen on one port, each for some senders: this is the first, or joins it. Only of `batched`. */
  readonly share?: "first" | "join" | undefined
  /** SO_SNDBUF in bytes, of each socket. Default 4 MiB. */
  readonly sendBuffer?: number
  /** Slabs of 256 KiB that datagrams which the system does not take yet may hold, before further ones are dropped: of `dgram`, `batched` drops at once. Default 64. */
  readonly slabs?: number
}

export type Bound =
  | { readonly local: Address }
  /** `code` is the system's: `EADDRINUSE`, `EADDRNOTAVAIL`, `EACCES`, `EMFILE`. */
  | { readonly code: string; readonly error: Error }

/** Since the start. */
export interface UdpCounters {
  received: number
  receivedBytes: number
  sent: number
  sentBytes: number
  /** Received but not handed up: no slab or no path was free, or it was longer than any datagram. */
  receiveDropped: number
  /** Not sent: no slab was free, the socket's buffer was full, the path was gone, or the port was 0. */
  sendDropped: number
  /** The system refused a send. */
  sendErrors: number
  /** Errors reported on sockets, as ICMP makes them. */
  socketErrors: number
}

/** SO_RCVBUF and SO_SNDBUF where nothing else is said, bytes. */
export const DEFAULT_BUFFER: number = 4 * 1024 * 1024

/** Where the bytes of a `forward` begin. Throws a RangeError where they are not the datagram's, with its room. */
export function forwardedFrom(d: Datagram, skip: number, length: number): number {
  if (skip < -HEADROOM || length < 0 || skip + length > d.length + TAILROOM)
    throw new RangeError(`forward: ${length} bytes from ${skip} are not within the datagram and its room`)
  return d.offset + skip
}

export function noCounters(): UdpCounters {
  return {
    received: 0,
    receivedBytes: 0,
    sent: 0,
    sentBytes: 0,
    receiveDropped: 0,
    sendDropped: 0,
    sendErrors: 0,
    socketErrors: 0,
  }
}
