import { readUint16, readUint32 } from "../bytes/index.ts"
import { ATTRIBUTE_HEADER_LENGTH, Attribute, isComprehensionRequired, padded } from "./attributes.ts"
import {
  classOf,
  HEADER_LENGTH,
  MAGIC_COOKIE,
  MessageClass,
  methodOf,
  TRANSACTION_ID_AT,
  TRANSACTION_ID_LENGTH,
} from "./header.ts"

/**
 * Attributes that one message may have in front of its integrity. An Allocate has about ten; a
 * CreatePermission for every candidate of a peer may have some dozens.
 */
export const MAX_ATTRIBUTES = 128

/** Why bytes are not a STUN message. */
export type NotStun =
  | "too-short"
  | "leading-bits"
  | "magic-cookie"
  | "length"
  | "attribute-length"
  | "too-many-attributes"

const ABSENT = -1

/**
 * A STUN message, read in place: it points into the bytes that it was last given and is good for as
 * long as they are. One object serves all messages of a socket, parsing allocates nothing.
 *
 * The attributes in front of MESSAGE-INTEGRITY are numbered from 0. What follows it is not authenticated
 * and so is not seen, but for MESSAGE-INTEGRITY-SHA256 and FINGERPRINT (RFC 8489 §14.5); nothing is
 * seen after FINGERPRINT (§14.7).
 */
export class StunMessage {
  bytes: Uint8Array = new Uint8Array(0)
  /** Where the header begins in `bytes`. */
  offset = 0
  /** With the header, in bytes. */
  length = 0
  class: MessageClass = MessageClass.request
  method = 0
  attributeCount = 0
  /** Where in `bytes` these attributes begin, with their own header; -1 where there is none. */
  integrityAt: number = ABSENT
  integritySha256At: number = ABSENT
  fingerprintAt: number = ABSENT

  readonly #types = new Uint16Array(MAX_ATTRIBUTES)
  readonly #valuesAt = new Uint32Array(MAX_ATTRIBUTES)
  readonly #lengths = new Uint16Array(MAX_ATTRIBUTES)

  /** Reads `bytes[offset, offset + length)`, a whole datagram. Returns why it is no STUN message. */
  parse(bytes: Uint8Array, offset: number, length: number): NotStun | undefined {
    this.#point(bytes, offset, length)
    if (length < HEADER_LENGTH) return "too-short"
    const type = readUint16(bytes, offset)
    if (type > 0x3fff) return "leading-bits"
    if (readUint32(bytes, offset + 4) !== MAGIC_COOKIE) return "magic-cookie"
    // The declared length must be what is there: nothing is ever read on its word alone (RFC 8489 §5).
    const declared = readUint16(bytes, offset + 2)
    if (declared % 4 !== 0 || HEADER_LENGTH + declared !== length) return "length"
    this.class = classOf(type)
    this.method = methodOf(type)
    return this.#walk()
  }

  type(index: number): number {
    return this.#types[index]!
  }

  valueAt(index: number): number {
    return this.#valuesAt[index]!
  }

  valueLength(index: number): number {
    return this.#lengths[index]!
  }

  /** The first attribute of a type, from `from` on; -1 if there is none. The first of several counts (RFC 8489 §14). */
  indexOf(type: number, from = 0): number {
    for (let i = from; i < this.attributeCount; i++) if (this.#types[i] === type) return i
    return ABSENT
  }

  has(type: number): boolean {
    return this.indexOf(type) !== ABSENT
  }

  /** The value of the first attribute of a type, as a view into the message. */
  value(type: number): Uint8Array | undefined {
    const index = this.indexOf(type)
    return index === ABSENT ? undefined : this.valueOf(index)
  }

  valueOf(index: number): Uint8Array {
    const at = this.#valuesAt[index]!
    return this.bytes.subarray(at, at + this.#lengths[index]!)
  }

  /** A value of exactly four bytes as one number; -1 when it is absent or of another size. */
  uint32(type: number): number {
    const index = this.indexOf(type)
    return index === ABSENT || this.#lengths[index] !== 4
      ? -1
      : readUint32(this.bytes, this.#valuesAt[index]!)
  }

  get transactionId(): Uint8Array {
    const at = this.offset + TRANSACTION_ID_AT
    return this.bytes.subarray(at, at + TRANSACTION_ID_LENGTH)
  }

  hasTransactionId(id: Uint8Array): boolean {
    const at = this.offset + TRANSACTION_ID_AT
    for (let i = 0; i < TRANSACTION_ID_LENGTH; i++) if (this.bytes[at + i] !== id[i]) return false
    return true
  }

  /** Whether there is something that must be understood and is not in `understood` (RFC 8489 §6.3.2). */
  hasUnknownAttributes(understood: ReadonlySet<number>): boolean {
    for (let i = 0; i < this.attributeCount; i++) if (this.#isUnknown(i, understood)) return true
    return false
  }

  /** Their types, each once, in order: what a 420 response lists (RFC 8489 §6.3.1). */
  unknownAttributes(understood: ReadonlySet<number>): number[] {
    const unknown = new Set<number>()
    for (let i = 0; i < this.attributeCount; i++) {
      if (this.#isUnknown(i, understood)) unknown.add(this.#types[i]!)
    }
    return [...unknown]
  }

  #isUnknown(index: number, understood: ReadonlySet<number>): boolean {
    const type = this.#types[index]!
    return isComprehensionRequired(type) && !understood.has(type)
  }

  #point(bytes: Uint8Array, offset: number, length: number): void {
    this.bytes = bytes
    this.offset = offset
    this.length = length
    this.attributeCount = 0
    this.integrityAt = ABSENT
    this.integritySha256At = ABSENT
    this.fingerprintAt = ABSENT
  }

  #walk(): NotStun | undefined {
    const end = this.offset + this.length
    let at = this.offset + HEADER_LENGTH
    // Each round moves on by at least the four bytes of an attribute's header, which are present.
    while (at < end) {
      const type = readUint16(this.bytes, at)
      const length = readUint16(this.bytes, at + 2)
      const next = at + ATTRIBUTE_HEADER_LENGTH + padded(length)
      if (next > end) return "attribute-length"
      const refusal = this.#see(type, at, length)
      if (refusal !== undefined) return refusal
      at = next
    }
    return undefined
  }

  #see(type: number, at: number, length: number): NotStun | undefined {
    if (this.fingerprintAt !== ABSENT) return undefined
    if (type === Attribute.fingerprint) {
      if (length !== 4) return "attribute-length"
      this.fingerprintAt = at
      return undefined
    }
    if (this.integritySha256At !== ABSENT) return undefined
    if (type === Attribute.messageIntegritySha256) {
      // RFC 8489 §14.6: it may be truncated, to 16 bytes and by multiples of 4.
      if (length < 16 || length > 32 || length % 4 !== 0) return "attribute-length"
      this.integritySha256At = at
      return undefined
    }
    if (this.integrityAt !== ABSENT) return undefined
    if (type === Attribute.messageIntegrity) {
      if (length !== 20) return "attribute-length"
      this.integrityAt = at
      return undefined
    }
    if (this.attributeCount === MAX_ATTRIBUTES) return "too-many-attributes"
    this.#types[this.attributeCount] = type
    this.#valuesAt[this.attributeCount] = at + ATTRIBUTE_HEADER_LENGTH
    this.#lengths[this.attributeCount] = length
    this.attributeCount++
    return undefined
  }
}
