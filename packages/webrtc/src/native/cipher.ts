import type { Addresses } from "./addresses.ts"
import { Context, demandDone, demandWithin } from "./context.ts"
import { type Evp, GET_TAG, SET_TAG } from "./evp.ts"
import { Memory } from "./memory.ts"

const TAG = 16
const NONCE = 12
const IV = 16

// Of the memory of each cipher: the IV, the count of bytes that OpenSSL writes and nobody reads, and whatever else.
const COUNT_AT = 16
const SPARE_AT = 24
const SPARE = 32

/** A context for one key, in which only the IV changes. */
class KeyedCipher {
  readonly evp: Evp
  readonly context: Context
  readonly memory: Memory

  /** `cipher`: an `EVP_CIPHER`. The key is not kept. */
  constructor(evp: Evp, cipher: number, key: Uint8Array) {
    this.evp = evp
    this.memory = new Memory(evp, SPARE_AT + SPARE)
    this.context = new Context(evp.EVP_CIPHER_CTX_new(), address => evp.EVP_CIPHER_CTX_free(address))
    const { bytes, address } = this.memory
    bytes.set(key, SPARE_AT)
    const done = evp.EVP_CipherInit_ex(this.context.address, cipher, 0, address + SPARE_AT, 0, 1)
    bytes.fill(0)
    demandDone(done === 1, "a new key")
  }

  setIv(iv: Uint8Array, length: number): void {
    const { bytes } = this.memory
    for (let i = 0; i < length; i++) bytes[i] = iv[i]!
  }
}

/** AES-GCM or ChaCha20-Poly1305, in place: five calls of some 30 ns each, and no object. */
export class NativeAead {
  readonly #cipher: KeyedCipher
  readonly #addresses: Addresses
  readonly #associatedAddresses: Addresses

  constructor(
    evp: Evp,
    cipher: number,
    key: Uint8Array,
    addresses: Addresses,
    associatedAddresses: Addresses,
  ) {
    this.#cipher = new KeyedCipher(evp, cipher, key)
    this.#addresses = addresses
    this.#associatedAddresses = associatedAddresses
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
    demandWithin(associated, associatedAt, associatedLength)
    demandWithin(bytes, at, length, TAG)
    const { evp, memory, context } = this.#cipher
    const cipher = context.address
    const count = memory.address + COUNT_AT
    const body = this.#addresses.of(bytes) + at
    this.#cipher.setIv(nonce, NONCE)
    let done = evp.EVP_CipherInit_ex(cipher, 0, 0, 0, memory.address, 1)
    if (associatedLength > 0) {
      const address = this.#associatedAddresses.of(associated) + associatedAt
      done &= evp.EVP_CipherUpdate(cipher, 0, count, address, associatedLength)
    }
    if (length > 0) done &= evp.EVP_CipherUpdate(cipher, body, count, body, length)
    done &= evp.EVP_CipherFinal_ex(cipher, body + length, count)
    done &= evp.EVP_CIPHER_CTX_ctrl(cipher, GET_TAG, TAG, body + length)
    demandDone(done === 1, "sealing")
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
    const plain = length - TAG
    if (plain < 0) return false
    demandWithin(associated, associatedAt, associatedLength)
    demandWithin(bytes, at, length)
    const { evp, memory, context } = this.#cipher
    const cipher = context.address
    const count = memory.address + COUNT_AT
    const body = this.#addresses.of(bytes) + at
    this.#cipher.setIv(nonce, NONCE)
    let done = evp.EVP_CipherInit_ex(cipher, 0, 0, 0, memory.address, 0)
    done &= evp.EVP_CIPHER_CTX_ctrl(cipher, SET_TAG, TAG, body + plain)
    if (associatedLength > 0) {
      const address = this.#associatedAddresses.of(associated) + associatedAt
      done &= evp.EVP_CipherUpdate(cipher, 0, count, address, associatedLength)
    }
    if (plain > 0) done &= evp.EVP_CipherUpdate(cipher, body, count, body, plain)
    // What it would write goes to memory of ours: nothing is left over in these modes.
    return (done & evp.EVP_CipherFinal_ex(cipher, memory.address + SPARE_AT, count)) === 1
  }

  close(): void {
    this.#cipher.context.close()
  }
}

/** AES in counter mode, in place. */
export class NativeCounterMode {
  readonly #cipher: KeyedCipher
  readonly #addresses: Addresses

  constructor(evp: Evp, cipher: number, key: Uint8Array, addresses: Addresses) {
    this.#cipher = new KeyedCipher(evp, cipher, key)
    this.#addresses = addresses
  }

  apply(iv: Uint8Array, bytes: Uint8Array, at: number, length: number): void {
    demandWithin(bytes, at, length)
    const { evp, memory, context } = this.#cipher
    const cipher = context.address
    this.#cipher.setIv(iv, IV)
    let done = evp.EVP_CipherInit_ex(cipher, 0, 0, 0, memory.address, 1)
    if (length > 0) {
      const body = this.#addresses.of(bytes) + at
      done &= evp.EVP_CipherUpdate(cipher, body, memory.address + COUNT_AT, body, length)
    }
    demandDone(done === 1, "counter mode")
  }

  close(): void {
    this.#cipher.context.close()
  }
}

/** RFC 9147 §4.2.3: a block of AES over the sample, or of ChaCha20 from the sample on. */
export class NativeMask {
  readonly #cipher: KeyedCipher
  readonly #isStream: boolean
  readonly #mask: Uint8Array

  /** `cipher`: AES in ECB mode, or ChaCha20, which `isStream`. */
  constructor(evp: Evp, cipher: number, key: Uint8Array, isStream: boolean) {
    this.#cipher = new KeyedCipher(evp, cipher, key)
    this.#isStream = isStream
    this.#mask = this.#cipher.memory.bytes.subarray(SPARE_AT, SPARE_AT + IV)
    evp.EVP_CIPHER_CTX_set_padding(this.#cipher.context.address, 0)
  }

  of(ciphertext: Uint8Array, at: number): Uint8Array {
    demandWithin(ciphertext, at, IV)
    const { evp, memory, context } = this.#cipher
    const sample = memory.address
    const mask = memory.address + SPARE_AT
    for (let i = 0; i < IV; i++) memory.bytes[i] = ciphertext[at + i]!
    let done = 1
    if (this.#isStream) {
      this.#mask.fill(0)
      done = evp.EVP_CipherInit_ex(context.address, 0, 0, 0, sample, 1)
    }
    const input = this.#isStream ? mask : sample
    done &= evp.EVP_CipherUpdate(context.address, mask, memory.address + COUNT_AT, input, IV)
    demandDone(done === 1, "a mask")
    return this.#mask
  }
}
