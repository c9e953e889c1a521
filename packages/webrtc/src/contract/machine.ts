import type { Datagram } from "./datagram.ts"
import type { Evidence } from "./evidence.ts"
import type { Path, Paths } from "./path.ts"
import type { Reply, Request } from "./request.ts"

/**
 * A protocol without a socket, timer, clock or random source. Everything that it learns arrives as a
 * call, everything that it does leaves through `out` before that call returns. There is nothing to
 * drain afterwards and nothing to forget.
 *
 * - `now` is in milliseconds on a monotonic clock; only differences mean anything.
 * - Bytes from the network never make it throw. It throws when a caller misuses its API.
 * - Commands that an owner gives a machine (its own methods) take `now` and `out` too.
 *
 * `Ask` and `Answer` are what it asks of its driver and gets back; `Request` and `Reply` for
 * everything that lives on sockets.
 */
export interface Machine<Event, Ask = Request, Answer = Reply> {
  /** `d` is valid only during the call. */
  receive(d: Datagram, now: number, out: Out<Event, Ask>): void
  /** What it asked for, or the error that came instead. */
  reply(answer: Answer, now: number, out: Out<Event, Ask>): void
  /** The time it asked for has come. Early and late calls are legal. */
  tick(now: number, out: Out<Event, Ask>): void
  /**
   * The stream behind `path` is no more, by the far end's doing or the driver's. What is kept for it goes,
   * and so does every hold: afterwards the number means somebody else.
   */
  closed?(path: Path, now: number, out: Out<Event, Ask>): void
  /** When it next wants `tick`, on the clock of `now`; `Infinity` when it waits for nothing. */
  readonly nextTick: number
}

/** Where a machine speaks. Valid during the call that it was passed to. */
export interface Out<Event, Ask = Request> {
  readonly paths: Paths
  /** The send slab. Read these again after every `reserve`: it may have moved. */
  readonly bytes: Uint8Array
  readonly view: DataView
  /** Makes room for `max` bytes to `path`; returns the offset to write at. The room is zeroed. */
  reserve(path: Path, max: number): number
  /** Sends the first `length` bytes of the last `reserve` with the current batch; 0 sends nothing. */
  commit(length: number): void
  /**
   * Sends `d.bytes[d.offset + skip, … + length)` on, uncopied. `skip` may be negative, down to
   * `-HEADROOM`, after a header was written there. The bytes must not change until the batch is
   * flushed, so a datagram is forwarded with one header only; a second form of it is reserved and copied.
   */
  forward(d: Datagram, skip: number, length: number, path: Path): void
  /**
   * As `forward`, for a UDP path, but the datagram leaves with the DF bit set: in one piece or not at all. Absent where
   * the driver cannot promise that. It is dear: made for what is rare, such as to find out a path's MTU.
   */
  readonly forwardUnfragmented?: (d: Datagram, skip: number, length: number, path: Path) => void
  ask(request: Ask): void
  /** What the owner of this machine should know. */
  tell(event: Event): void
  /** What the timeline, the doctor and the traces should know. */
  note(evidence: Evidence): void
}
