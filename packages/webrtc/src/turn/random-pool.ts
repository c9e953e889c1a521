import type { Crypto } from "../crypto/index.ts"

const SIZE = 4096

/** Unpredictable bytes, drawn from `Crypto` many at a time: the packet path takes twelve for each Data indication. */
export class RandomPool {
  readonly #crypto: Crypto
  readonly bytes: Uint8Array = new Uint8Array(SIZE)
  #at = SIZE

  constructor(crypto: Crypto) {
    this.#crypto = crypto
  }

  /** Takes `length` bytes, never given before; returns where they are in `bytes`. */
  take(length: number): number {
    if (this.#at + length > SIZE) {
      this.#crypto.random(this.bytes)
      this.#at = 0
    }
    const at = this.#at
    this.#at += length
    return at
  }

  /** A uniform integer in [0, bound), bound ≤ 2^16. */
  below(bound: number): number {
    // What would favour the low values is thrown away.
    const fair = 0x10000 - (0x10000 % bound)
    for (;;) {
      const at = this.take(2)
      const value = (this.bytes[at]! << 8) | this.bytes[at + 1]!
      if (value < fair) return value % bound
    }
  }
}
