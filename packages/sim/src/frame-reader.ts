import type { Framing } from "@tightbeam/webrtc/contract"

/** Cuts the bytes of one stream into frames. */
export class FrameReader {
  readonly #framing: Framing
  #kept: Uint8Array = new Uint8Array(0)

  constructor(framing: Framing) {
    this.#framing = framing
  }

  /** Hands up each frame that is complete; false when no frame begins like this. */
  read(bytes: Uint8Array, hand: (frame: Uint8Array) => void): boolean {
    let all = bytes
    if (this.#kept.length > 0) {
      all = new Uint8Array(this.#kept.length + bytes.length)
      all.set(this.#kept)
      all.set(bytes, this.#kept.length)
    }
    let at = 0
    while (at < all.length) {
      const length = this.#framing.frameLength(all, at, all.length - at)
      if (length < 0 || length > this.#framing.longest) return false
      if (length === 0 || at + length > all.length) break
      hand(all.subarray(at, at + length))
      at += length
    }
    this.#kept = all.subarray(at)
    return true
  }
}
