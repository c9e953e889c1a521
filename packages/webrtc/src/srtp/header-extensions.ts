import { readUint16 } from "../bytes/index.ts"
import type { Ciphers, CounterMode } from "../crypto/index.ts"
import { Nonce } from "./nonce.ts"
import { csrcLength, EXTENSION_HEADER, FIXED_HEADER, hasExtension } from "./rtp-header.ts"

/** The longest extension that is encrypted, in bytes: no packet of a usual MTU has room for so much. */
export const MAX_EXTENSION = 4_096

const ONE_BYTE = 0xbede
/** The last 4 bits are the application's (RFC 8285 §4.3). */
const TWO_BYTE = 0x1000
/** RFC 8285 §4.2: what follows it is not to be read. */
const STOP = 15

/** Encrypts and decrypts some elements of header extensions, in place (RFC 6904). */
export class HeaderExtensions {
  readonly #counterMode: CounterMode
  readonly #iv: Nonce
  /** By id. */
  readonly #isEncrypted = new Uint8Array(256)
  readonly #scratch = new Uint8Array(new ArrayBuffer(MAX_EXTENSION))

  constructor(
    crypto: Pick<Ciphers, "counterMode">,
    key: Uint8Array,
    salt: Uint8Array,
    ids: readonly number[],
  ) {
    this.#counterMode = crypto.counterMode(key)
    this.#iv = new Nonce(salt, 16)
    for (const id of ids) this.#isEncrypted[id] = 1
  }

  /** Of a packet with a whole header. What it does, it undoes the next time. False where the extension is too long. */
  apply(bytes: Uint8Array, at: number, ssrc: number, index: number): boolean {
    if (!hasExtension(bytes, at)) return true
    const header = at + FIXED_HEADER + csrcLength(bytes, at)
    const profile = readUint16(bytes, header)
    const isTwoByte = (profile & 0xfff0) === TWO_BYTE
    if (profile !== ONE_BYTE && !isTwoByte) return true
    const from = header + EXTENSION_HEADER
    const length = 4 * readUint16(bytes, header + 2)
    if (length > MAX_EXTENSION) return false
    // All of it is encrypted elsewhere (RFC 6904 §3), for the keystream goes on over what stays in clear.
    const scratch = this.#scratch
    for (let i = 0; i < length; i++) scratch[i] = bytes[from + i]!
    this.#iv.set(ssrc, index)
    this.#counterMode.apply(this.#iv.bytes, scratch, 0, length)
    if (isTwoByte) this.#takeTwoByte(bytes, from, length)
    else this.#takeOneByte(bytes, from, length)
    return true
  }

  close(): void {
    this.#counterMode.close()
  }

  #takeOneByte(bytes: Uint8Array, from: number, length: number): void {
    for (let i = 0; i < length; ) {
      const first = bytes[from + i]!
      const id = first >>> 4
      if (id === STOP) return
      i++
      // A byte of zero is padding, and has no length.
      if (first === 0) continue
      const size = (first & 0x0f) + 1
      this.#take(id, bytes, from, i, Math.min(i + size, length))
      i += size
    }
  }

  #takeTwoByte(bytes: Uint8Array, from: number, length: number): void {
    for (let i = 0; i + 1 < length; ) {
      const id = bytes[from + i]!
      if (id === 0) {
        i++
        continue
      }
      const size = bytes[from + i + 1]!
      i += 2
      this.#take(id, bytes, from, i, Math.min(i + size, length))
      i += size
    }
  }

  #take(id: number, bytes: Uint8Array, from: number, start: number, end: number): void {
    if (this.#isEncrypted[id] === 0) return
    for (let i = start; i < end; i++) bytes[from + i] = this.#scratch[i]!
  }
}
