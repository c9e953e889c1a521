import {
  type CipherGCMTypes,
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  getCipherInfo,
  type KeyObject,
} from "node:crypto"
import {
  AEAD_TAG_LENGTH,
  type Aead,
  type AeadAlgorithm,
  type Ciphers,
  type CounterMode,
  type PacketMac,
  type RecordNumberMask,
} from "./transport-crypto.ts"

const AEADS: readonly AeadAlgorithm[] = ["aes-128-gcm", "aes-256-gcm", "chacha20-poly1305"]

/**
 * The symmetric part of `TransportCrypto` by node:crypto. It takes an object for each message and copies what that
 * returns. Keys are held as KeyObjects: a raw one costs three times as much per message on Node 24.
 */
export const nodeCiphers: Ciphers = {
  aeads: AEADS.filter(algorithm => getCipherInfo(algorithm) !== undefined),

  aead(algorithm: AeadAlgorithm, key: Uint8Array): Aead {
    return new NodeAead(algorithm, createSecretKey(key))
  },

  counterMode(key: Uint8Array): CounterMode {
    const algorithm = aes(key, "ctr")
    const held = createSecretKey(key)
    return {
      apply(iv, bytes, at, length) {
        const cipher = createCipheriv(algorithm, held, iv)
        bytes.set(cipher.update(bytes.subarray(at, at + length)), at)
      },
      close() {},
    }
  },

  packetMac(key: Uint8Array): PacketMac {
    const held = createSecretKey(key)
    return {
      tag(bytes, at, length, into, intoAt, size) {
        const digest = createHmac("sha1", held)
          .update(bytes.subarray(at, at + length))
          .digest()
        for (let i = 0; i < size; i++) into[intoAt + i] = digest[i]!
      },
      close() {},
    }
  },

  recordNumberMask(algorithm: AeadAlgorithm, key: Uint8Array): RecordNumberMask {
    const held = createSecretKey(key)
    if (algorithm === "chacha20-poly1305") {
      const zeros = new Uint8Array(16)
      // OpenSSL's IV of ChaCha20 is the counter, little-endian, and the nonce behind it: just what the sample is.
      return (ciphertext, at) =>
        createCipheriv("chacha20", held, ciphertext.subarray(at, at + 16)).update(zeros)
    }
    // Blocks of ECB have nothing to do with each other, so one object serves all.
    const cipher = createCipheriv(aes(key, "ecb"), held, null).setAutoPadding(false)
    return (ciphertext, at) => cipher.update(ciphertext.subarray(at, at + 16))
  },
}

class NodeAead implements Aead {
  readonly #algorithm: CipherGCMTypes
  readonly #key: KeyObject

  constructor(algorithm: AeadAlgorithm, key: KeyObject) {
    // ChaCha20-Poly1305 is used the same way; Node's types have it apart.
    this.#algorithm = algorithm as CipherGCMTypes
    this.#key = key
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
    const cipher = createCipheriv(this.#algorithm, this.#key, nonce)
    cipher.setAAD(associated.subarray(associatedAt, associatedAt + associatedLength))
    bytes.set(cipher.update(bytes.subarray(at, at + length)), at)
    cipher.final()
    bytes.set(cipher.getAuthTag(), at + length)
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
    const end = at + length - AEAD_TAG_LENGTH
    if (end < at) return false
    const decipher = createDecipheriv(this.#algorithm, this.#key, nonce)
    decipher.setAAD(associated.subarray(associatedAt, associatedAt + associatedLength))
    decipher.setAuthTag(bytes.subarray(end, at + length))
    const plain = decipher.update(bytes.subarray(at, end))
    try {
      // Throws where the tag is another's.
      decipher.final()
    } catch {
      return false
    }
    bytes.set(plain, at)
    return true
  }

  close(): void {}
}

function aes(key: Uint8Array, mode: "ctr" | "ecb"): string {
  return `aes-${key.length * 8}-${mode}`
}
