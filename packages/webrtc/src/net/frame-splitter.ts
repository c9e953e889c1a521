import type { Framing } from "../contract/index.ts"

const NOTHING = new Uint8Array(0)
/** The least that is set aside for the beginning of a frame, bytes. */
const SMALLEST = 256
/** A buffer larger than this is let go once its frame is complete, bytes. */
const LARGEST_KEPT = 2048

/** Takes one whole frame, valid during the call; false when no more are wanted. */
export type TakeFrame = (bytes: Uint8Array, at: number, length: number) => boolean

/**
 * Cuts a byte stream into frames. Whole frames are handed on where they arrived; only the beginning of
 * one whose rest is still under way is kept, in memory that grows with what has come and not with what was
 * declared.
 */
export class FrameSplitter {
  readonly #framing: Framing
  #begun: Uint8Array = NOTHING
  #held = 0

  constructor(framing: Framing) {
    this.#framing = framing
  }

  /** Bytes set aside for a frame that is not complete. */
  get size(): number {
    return this.#begun.length
  }

  /**
   * The next bytes of the stream, in which no frame may be longer than `longest`. Returns how many were taken: all, unless
   * no more were wanted. -1 when a frame is longer, or when none begins where one should: then nothing that follows makes
   * sense.
   */
  push(chunk: Uint8Array, longest: number, take: TakeFrame): number {
    let at = 0
    while (this.#held > 0) {
      const length = this.#framing.frameLength(this.#begun, 0, this.#held)
      if (length < 0 || length > longest) return -1
      if (length === this.#held) {
        const frame = this.#begun
        this.#held = 0
        if (frame.length > LARGEST_KEPT) this.#begun = NOTHING
        if (!take(frame, 0, length)) return at
        continue
      }
      if (at === chunk.length) return at
      // A header is completed byte by byte: there are few, and only their end says how long the frame is.
      const found = length === 0 ? 1 : Math.min(length - this.#held, chunk.length - at)
      this.#keep(chunk, at, found)
      at += found
    }
    while (at < chunk.length) {
      const available = chunk.length - at
      const length = this.#framing.frameLength(chunk, at, available)
      if (length < 0 || length > longest) return -1
      if (length === 0 || length > available) {
        this.#keep(chunk, at, available)
        return chunk.length
      }
      at += length
      if (!take(chunk, at - length, length)) return at
    }
    return at
  }

  /** What was set aside, which is nobody's frame then. */
  takeBegun(): Uint8Array {
    const begun = this.#begun.subarray(0, this.#held)
    this.#begun = NOTHING
    this.#held = 0
    return begun
  }

  #keep(chunk: Uint8Array, at: number, length: number): void {
    const needed = this.#held + length
    if (needed > this.#begun.length) {
      const grown = new Uint8Array(Math.max(SMALLEST, 2 ** Math.ceil(Math.log2(needed))))
      grown.set(this.#begun.subarray(0, this.#held))
      this.#begun = grown
    }
    this.#begun.set(chunk.subarray(at, at + length), this.#held)
    this.#held = needed
  }
}
