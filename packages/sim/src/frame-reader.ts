import type { Framing } from "@tightbeam/webrtc/contract"

const NOTHING = new Uint8Array(0)

/** Cuts the bytes of one stream into frames. */
export class FrameReader {
  readonly #framing: Framing
  #kept: Uint8Array = NOTHING

  constructor(framing: Framing) {
    this.#framing = framing
  }

  /** Hands up each frame that is complete, until `hand` says that no more are wanted; false when no frame begins like this. */
  read(bytes: Uint8Array, hand: (frame: Uint8Array) => boolean): boolean {
    let all = bytes
    if (this.#kept.length > 0) {
      all = new Uint8Array(this.#kept.length + bytes.length)
      all.set(this.#kept)
      all.set(bytes, this.#kept.length)
      this.#kept = NOTHING
    }
    let at = 0
    while (at < all.length) {
      const length = this.#framing.frameLength(all, at, all.length - at)
      if (length < 0 || length > this.#framing.longest) return false
      if (length === 0 || at + length > all.length) break
      at += length
      if (!hand(all.subarray(at - length, at))) break
    }
    this.#kept = all.subarray(at)
    return true
  }

  /** What came behind the last frame, which is nobody's frame then. */
  takeRest(): Uint8Array {
    const rest = this.#kept
    this.#kept = NOTHING
    return rest
  }
}
