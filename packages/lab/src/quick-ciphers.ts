import { AEAD_TAG_LENGTH, type Aead, type Ciphers } from "@tightbeam/webrtc/crypto"
import { FNV_OFFSET, maskRange, stretch, taste, tasteRange } from "./quick-hash.ts"

/** The longest that a mask of record numbers is for real: a block of AES. */
const MASK_LENGTH = 16

/** The symmetric part of `quickCrypto`. */
export const quickCiphers: Ciphers = {
  aeads: ["aes-128-gcm", "aes-256-gcm", "chacha20-poly1305"],

  aead: (algorithm, key) => new QuickAead(taste(named(algorithm), key)),

  counterMode: key => {
    const seed = taste(FNV_OFFSET, key)
    return {
      apply: (iv, bytes, at, length) => maskRange(taste(seed, iv), bytes, at, length),
      close: () => {},
    }
  },

  packetMac: key => {
    const seed = taste(FNV_OFFSET, key)
    return {
      tag: (bytes, at, length, into, intoAt, size) =>
        into.set(stretch(tasteRange(seed, bytes, at, length), size), intoAt),
      close: () => {},
    }
  },

  recordNumberMask: (algorithm, key) => {
    const seed = taste(named(algorithm), key)
    return (ciphertext, at) => stretch(tasteRange(seed, ciphertext, at, MASK_LENGTH), MASK_LENGTH)
  },
}

class QuickAead implements Aead {
  readonly #seed: number

  constructor(seed: number) {
    this.#seed = seed
  }

  seal(
    nonce: Uint8Array,
    associated: Uint8Array,
    associatedAt: number,
    associatedLength: number,
    bytes: Uint8Array,
    at: number,
    length: number,
  ): void {
    const seed = taste(this.#seed, nonce)
    maskRange(seed, bytes, at, length)
    const content = tasteRange(seed, associated, associatedAt, associatedLength)
    bytes.set(stretch(tasteRange(content, bytes, at, length) ^ length, AEAD_TAG_LENGTH), at + length)
  }

  open(
    nonce: Uint8Array,
    associated: Uint8Array,
    associatedAt: number,
    associatedLength: number,
    bytes: Uint8Array,
    at: number,
    length: number,
  ): boolean {
    const plain = length - AEAD_TAG_LENGTH
    if (plain < 0) return false
    const seed = taste(this.#seed, nonce)
    const content = tasteRange(seed, associated, associatedAt, associatedLength)
    const tag = stretch(tasteRange(content, bytes, at, plain) ^ plain, AEAD_TAG_LENGTH)
    for (let i = 0; i < AEAD_TAG_LENGTH; i++) if (tag[i] !== bytes[at + plain + i]) return false
    maskRange(seed, bytes, at, plain)
    return true
  }

  close(): void {}
}

function named(algorithm: string): number {
  let hash = FNV_OFFSET
  for (let i = 0; i < algorithm.length; i++) hash = taste(hash, Uint8Array.of(algorithm.charCodeAt(i)))
  return hash
}
