import { readUint32, writeUint32 } from "../bytes/index.ts"
import { AEAD_TAG_LENGTH, type Aead, type AeadAlgorithm, type Ciphers } from "../crypto/index.ts"
import { intoCipherOrder, intoWireOrder } from "./cryptex.ts"
import { Nonce } from "./nonce.ts"
import { RTCP_HEADER } from "./rtp-header.ts"
import { ENCRYPTED, type RtcpTransform, type RtpTransform } from "./transform.ts"

const WORD = 4

/** RFC 7714 §8: what is in clear is the associated data. */
export class AeadRtp implements RtpTransform {
  readonly overhead: number = AEAD_TAG_LENGTH
  readonly #aead: Aead
  readonly #nonce: Nonce

  constructor(crypto: Pick<Ciphers, "aead">, algorithm: AeadAlgorithm, key: Uint8Array, salt: Uint8Array) {
    this.#aead = crypto.aead(algorithm, key)
    this.#nonce = new Nonce(salt, 12)
  }

  seal(
    bytes: Uint8Array,
    at: number,
    length: number,
    clear: number,
    csrcs: number,
    ssrc: number,
    index: number,
  ): void {
    this.#nonce.set(ssrc, index)
    if (csrcs > 0) intoCipherOrder(bytes, at, csrcs)
    this.#aead.seal(this.#nonce.bytes, bytes, at, clear, bytes, at + clear, length - clear)
    if (csrcs > 0) intoWireOrder(bytes, at, csrcs)
  }

  open(
    bytes: Uint8Array,
    at: number,
    length: number,
    clear: number,
    csrcs: number,
    ssrc: number,
    index: number,
  ): boolean {
    this.#nonce.set(ssrc, index)
    if (csrcs > 0) intoCipherOrder(bytes, at, csrcs)
    const sealed = length - clear + AEAD_TAG_LENGTH
    const isOpen = this.#aead.open(this.#nonce.bytes, bytes, at, clear, bytes, at + clear, sealed)
    if (csrcs > 0) intoWireOrder(bytes, at, csrcs)
    return isOpen
  }

  close(): void {
    this.#aead.close()
  }
}

/** RFC 7714 §9: the tag comes before the index, and both what is in clear and the index are the associated data. */
export class AeadRtcp implements RtcpTransform {
  readonly overhead: number = AEAD_TAG_LENGTH + WORD
  readonly indexAt: number = AEAD_TAG_LENGTH
  readonly #aead: Aead
  readonly #nonce: Nonce
  readonly #associated = new Uint8Array(new ArrayBuffer(RTCP_HEADER + WORD))

  constructor(crypto: Pick<Ciphers, "aead">, algorithm: AeadAlgorithm, key: Uint8Array, salt: Uint8Array) {
    this.#aead = crypto.aead(algorithm, key)
    this.#nonce = new Nonce(salt, 12)
  }

  seal(bytes: Uint8Array, at: number, length: number, ssrc: number, index: number): void {
    const associated = this.#associate(bytes, at, ENCRYPTED + index)
    this.#nonce.set(ssrc, index)
    const [body, size] = [at + RTCP_HEADER, length - RTCP_HEADER]
    this.#aead.seal(this.#nonce.bytes, associated, 0, associated.length, bytes, body, size)
    writeUint32(bytes, at + length + AEAD_TAG_LENGTH, ENCRYPTED + index)
  }

  open(bytes: Uint8Array, at: number, length: number, ssrc: number, index: number): boolean {
    const associated = this.#associate(bytes, at, readUint32(bytes, at + length + AEAD_TAG_LENGTH))
    this.#nonce.set(ssrc, index)
    const [body, size] = [at + RTCP_HEADER, length - RTCP_HEADER + AEAD_TAG_LENGTH]
    return this.#aead.open(this.#nonce.bytes, associated, 0, associated.length, bytes, body, size)
  }

  close(): void {
    this.#aead.close()
  }

  #associate(bytes: Uint8Array, at: number, word: number): Uint8Array {
    for (let i = 0; i < RTCP_HEADER; i++) this.#associated[i] = bytes[at + i]!
    writeUint32(this.#associated, RTCP_HEADER, word)
    return this.#associated
  }
}
