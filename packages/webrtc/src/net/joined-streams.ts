import type { Flow } from "../contract/index.ts"
import { monotonicNow } from "./clock.ts"
import type { Stream } from "./stream-io.ts"

/** What whoever has the streams knows of them. */
export interface JoinedOwner {
  /** So many bytes were written to a stream. */
  passed(length: number, to: Stream): void
  /** Whether a stream on which so many bytes wait to be sent is to be given no more. */
  isFull(queued: number): boolean
}

/**
 * Two streams of which each gets what arrives on the other. Nothing is read that has nowhere to go: whoever reads slowly
 * is waited for by TCP's own window.
 */
export class JoinedStreams {
  readonly #one: Stream
  readonly #other: Stream
  readonly #flow: Flow | undefined
  readonly #owner: JoinedOwner
  /** Runs while the flow wants nothing read. */
  #pause: NodeJS.Timeout | undefined

  constructor(one: Stream, other: Stream, flow: Flow | undefined, owner: JoinedOwner) {
    this.#one = one
    this.#other = other
    this.#flow = flow
    this.#owner = owner
  }

  otherOf(stream: Stream): Stream {
    return stream === this.#one ? this.#other : this.#one
  }

  /** Bytes that came on one of them. They are not copied. */
  carry(from: Stream, bytes: Uint8Array): void {
    const to = this.otherOf(from)
    if (!to.isOpen) return
    to.socket.write(bytes, () => {
      to.onWritten()
      this.#regulate(from)
    })
    const now = monotonicNow()
    this.#flow?.passed(from.path, bytes.length, now)
    this.#owner.passed(bytes.length, to)
    this.#wait(now)
    this.#regulate(from)
  }

  /** One of them is no more. */
  end(): void {
    clearTimeout(this.#pause)
  }

  #wait(now: number): void {
    const delay = this.#flow?.wait(now) ?? 0
    if (this.#pause !== undefined || delay <= 0) return
    this.#pause = setTimeout(() => {
      this.#pause = undefined
      this.#wait(monotonicNow())
      this.#regulate(this.#one)
      this.#regulate(this.#other)
    }, Math.ceil(delay))
    this.#regulate(this.#one)
    this.#regulate(this.#other)
  }

  #regulate(from: Stream): void {
    if (!from.isOpen) return
    const isFull = this.#owner.isFull(this.otherOf(from).socket.writableLength)
    if (isFull || this.#pause !== undefined) from.socket.pause()
    else from.socket.resume()
  }
}
