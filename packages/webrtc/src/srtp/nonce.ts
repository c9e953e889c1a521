import { rolloverCounter } from "./packet-index.ts"

/**
 * What makes each packet's keystream its own: the session's salt, XORed with the SSRC and the packet's 48-bit index, which
 * a key therefore may not have twice. An IV of 16 bytes with the block's counter behind (RFC 3711 §4.1.1), or a nonce of 12
 * (RFC 7714 §8.1, and §9.1 for RTCP): the same two bytes apart.
 */
export class Nonce {
  readonly bytes: Uint8Array
  readonly #salt: Uint8Array
  readonly #at: number

  constructor(salt: Uint8Array, size: 12 | 16) {
    this.bytes = new Uint8Array(new ArrayBuffer(size))
    this.bytes.set(salt)
    this.#salt = this.bytes.slice()
    this.#at = size === 16 ? 4 : 2
  }

  set(ssrc: number, index: number): void {
    const { bytes } = this
    const salt = this.#salt
    const at = this.#at
    const roc = rolloverCounter(index)
    bytes[at] = salt[at]! ^ (ssrc >>> 24)
    bytes[at + 1] = salt[at + 1]! ^ (ssrc >>> 16)
    bytes[at + 2] = salt[at + 2]! ^ (ssrc >>> 8)
    bytes[at + 3] = salt[at + 3]! ^ ssrc
    bytes[at + 4] = salt[at + 4]! ^ (roc >>> 24)
    bytes[at + 5] = salt[at + 5]! ^ (roc >>> 16)
    bytes[at + 6] = salt[at + 6]! ^ (roc >>> 8)
    bytes[at + 7] = salt[at + 7]! ^ roc
    bytes[at + 8] = salt[at + 8]! ^ (index >>> 8)
    bytes[at + 9] = salt[at + 9]! ^ index
  }
}
