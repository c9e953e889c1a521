import { readUint16, writeUint16 } from "../bytes/index.ts"

/**
 * Reads what TLS's presentation language describes (RFC 8446 §3). Past the end everything is zero or empty and `isBroken`
 * stays true, so a message is read whole and judged once.
 */
export class Reader {
  isBroken = false
  readonly #bytes: Uint8Array
  readonly #end: number
  #at: number

  constructor(bytes: Uint8Array, at = 0, end: number = bytes.length) {
    this.#bytes = bytes
    this.#at = at
    this.#end = end
  }

  /** Nothing, of what is broken: whoever reads for as long as there is anything comes to an end. */
  get left(): number {
    return this.isBroken ? 0 : this.#end - this.#at
  }

  /** Whether all was there, and nothing beyond it. */
  get isWhole(): boolean {
    return !this.isBroken && this.left === 0
  }

  uint8(): number {
    const at = this.#take(1)
    return at < 0 ? 0 : this.#bytes[at]!
  }

  uint16(): number {
    const at = this.#take(2)
    return at < 0 ? 0 : readUint16(this.#bytes, at)
  }

  uint24(): number {
    return this.uint8() * 0x10000 + this.uint16()
  }

  /** Up to 2^53 − 1; more is broken. */
  uint64(): number {
    const high = this.uint16() * 0x10000 + this.uint16()
    const low = this.uint16() * 0x10000 + this.uint16()
    if (high >= 2 ** 21) this.isBroken = true
    return this.isBroken ? 0 : high * 2 ** 32 + low
  }

  /** A view, not a copy. */
  bytes(length: number): Uint8Array {
    const at = this.#take(length)
    return at < 0 ? this.#bytes.subarray(0, 0) : this.#bytes.subarray(at, at + length)
  }

  vector8(): Uint8Array {
    return this.bytes(this.uint8())
  }

  vector16(): Uint8Array {
    return this.bytes(this.uint16())
  }

  vector24(): Uint8Array {
    return this.bytes(this.uint24())
  }

  #take(length: number): number {
    if (length > this.left) this.isBroken = true
    if (this.isBroken) return -1
    const at = this.#at
    this.#at += length
    return at
  }
}

/** Numbers of 16 bits, one after another; `undefined` for half a number. */
export function readUint16s(bytes: Uint8Array): number[] | undefined {
  if (bytes.length % 2 !== 0) return undefined
  const all: number[] = []
  for (let at = 0; at < bytes.length; at += 2) all.push(readUint16(bytes, at))
  return all
}

/** Writes the same language. For messages, of which there are few. */
export class Writer {
  #bytes = new Uint8Array(512)
  #length = 0

  uint8(value: number): this {
    this.#bytes[this.#grow(1)] = value
    return this
  }

  uint16(value: number): this {
    const at = this.#grow(2)
    writeUint16(this.#bytes, at, value)
    return this
  }

  uint24(value: number): this {
    return this.uint8(value >>> 16).uint16(value & 0xffff)
  }

  uint64(value: number): this {
    const high = Math.floor(value / 2 ** 32)
    const low = value >>> 0
    return this.uint16(high >>> 16)
      .uint16(high & 0xffff)
      .uint16(low >>> 16)
      .uint16(low & 0xffff)
  }

  bytes(bytes: Uint8Array): this {
    const at = this.#grow(bytes.length)
    this.#bytes.set(bytes, at)
    return this
  }

  uint16s(values: readonly number[]): this {
    for (const value of values) this.uint16(value)
    return this
  }

  vector8(write: (writer: this) => void): this {
    return this.#vector(1, write)
  }

  vector16(write: (writer: this) => void): this {
    return this.#vector(2, write)
  }

  vector24(write: (writer: this) => void): this {
    return this.#vector(3, write)
  }

  get done(): Uint8Array {
    return this.#bytes.slice(0, this.#length)
  }

  #vector(size: 1 | 2 | 3, write: (writer: this) => void): this {
    const at = this.#grow(size)
    write(this)
    const length = this.#length - at - size
    for (let i = 0; i < size; i++) this.#bytes[at + i] = length >>> (8 * (size - 1 - i))
    return this
  }

  #grow(by: number): number {
    const at = this.#length
    this.#length += by
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#length)
      larger.set(this.#bytes)
      this.#bytes = larger
    }
    return at
  }
}

/** The longest that `vector8` can be. */
export const MAX_UINT8 = 255

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

const encoder = new TextEncoder()

export function ascii(text: string): Uint8Array {
  return encoder.encode(text)
}
