import { writeUint16, writeUint32 } from "../bytes/index.ts"
import type { Hmac } from "../crypto/index.ts"
import { AddressFamily, ATTRIBUTE_HEADER_LENGTH, Attribute, padded } from "./attributes.ts"
import { FINGERPRINT_LENGTH, fingerprintOf } from "./fingerprint.ts"
import {
  HEADER_LENGTH,
  MAGIC_COOKIE,
  type MessageClass,
  messageType,
  TRANSACTION_ID_AT,
  TRANSACTION_ID_LENGTH,
} from "./header.ts"
import { writeXorAddress, xorAddressLength } from "./xor-address.ts"

const encoder = new TextEncoder()

/**
 * Writes one STUN message at a time straight into a slab: `begin`, attributes in the order that they
 * are to have, then `messageIntegrity` and `fingerprint` where wanted, and `end`. The header's length is
 * right after each of them, and padding is always zero, whatever the slab held before.
 *
 * Writing past the room that `begin` was given throws a RangeError: it is the caller's to reserve enough.
 */
export class StunWriter {
  #bytes: Uint8Array = new Uint8Array(0)
  #start = 0
  #at = 0
  #limit = 0

  /** Starts a message at `bytes[offset]`, with `room` bytes for it. `id` holds a transaction id from `idAt` on. */
  begin(
    bytes: Uint8Array,
    offset: number,
    room: number,
    messageClass: MessageClass,
    method: number,
    id: Uint8Array,
    idAt = 0,
  ): void {
    this.#bytes = bytes
    this.#start = offset
    this.#at = offset
    this.#limit = Math.min(offset + room, bytes.length)
    this.#claim(HEADER_LENGTH)
    writeUint16(bytes, offset, messageType(messageClass, method))
    writeUint16(bytes, offset + 2, 0)
    writeUint32(bytes, offset + 4, MAGIC_COOKIE)
    for (let i = 0; i < TRANSACTION_ID_LENGTH; i++) bytes[offset + TRANSACTION_ID_AT + i] = id[idAt + i]!
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#at - this.#start
  }

  /** An attribute of any type; its value is copied. */
  attribute(type: number, value: Uint8Array): void {
    const at = this.#open(type, value.length)
    this.#bytes.set(value, at)
  }

  text(type: number, text: string): void {
    this.attribute(type, encoder.encode(text))
  }

  /** LIFETIME, in seconds, and everything else of 32 bits. */
  uint32(type: number, value: number): void {
    writeUint32(this.#bytes, this.#open(type, 4), value)
  }

  /** PADDING (RFC 5780 §7.6): so many bytes of nothing. */
  zeros(type: number, length: number): void {
    const at = this.#open(type, length)
    this.#bytes.fill(0, at, at + length)
  }

  /** An attribute without a value, such as DONT-FRAGMENT. */
  flag(type: number): void {
    this.#open(type, 0)
  }

  /** XOR-MAPPED-ADDRESS, XOR-PEER-ADDRESS, XOR-RELAYED-ADDRESS (RFC 8489 §14.2). */
  xorAddress(type: number, ip: Uint8Array, port: number): void {
    const at = this.#open(type, xorAddressLength(ip))
    writeXorAddress(this.#bytes, at, this.#start, ip, port)
  }

  /** MAPPED-ADDRESS and ALTERNATE-SERVER (RFC 8489 §14.1, §14.15). */
  address(type: number, ip: Uint8Array, port: number): void {
    const at = this.#open(type, 4 + ip.length)
    this.#bytes[at] = 0
    this.#bytes[at + 1] = ip.length === 4 ? AddressFamily.ipv4 : AddressFamily.ipv6
    writeUint16(this.#bytes, at + 2, port)
    this.#bytes.set(ip, at + 4)
  }

  /** RFC 8489 §14.8. An empty reason is legal, and the shortest. */
  errorCode(code: number, reason = ""): void {
    const phrase = encoder.encode(reason)
    const at = this.#open(Attribute.errorCode, 4 + phrase.length)
    writeUint16(this.#bytes, at, 0)
    this.#bytes[at + 2] = Math.trunc(code / 100)
    this.#bytes[at + 3] = code % 100
    this.#bytes.set(phrase, at + 4)
  }

  /** RFC 8656 §18.12, without a reason phrase: why there is no relayed address of a family. */
  addressErrorCode(family: number, code: number): void {
    const at = this.#open(Attribute.addressErrorCode, 4)
    this.#bytes[at] = family
    this.#bytes[at + 1] = 0
    this.#bytes[at + 2] = Math.trunc(code / 100)
    this.#bytes[at + 3] = code % 100
  }

  /** RFC 8489 §14.13. */
  unknownAttributes(types: readonly number[]): void {
    const at = this.#open(Attribute.unknownAttributes, 2 * types.length)
    for (const [i, type] of types.entries()) writeUint16(this.#bytes, at + 2 * i, type)
  }

  /** RFC 8656 §18.1. */
  channelNumber(number: number): void {
    this.uint32(Attribute.channelNumber, number * 0x10000)
  }

  /** RFC 8656 §18.8: an IANA protocol number. */
  requestedTransport(protocol: number): void {
    this.uint32(Attribute.requestedTransport, protocol * 0x1000000)
  }

  /** REQUESTED-ADDRESS-FAMILY and ADDITIONAL-ADDRESS-FAMILY (RFC 8656 §18.6). */
  addressFamily(type: number, family: number): void {
    this.uint32(type, family * 0x1000000)
  }

  /** RFC 8656 §18.7. */
  evenPort(reserveNext: boolean): void {
    this.#bytes[this.#open(Attribute.evenPort, 1)] = reserveNext ? 0x80 : 0
  }

  /** Authenticates all that was written before, with an HMAC-SHA1 (RFC 8489 §14.5). */
  messageIntegrity(hmac: Hmac): void {
    this.#integrity(Attribute.messageIntegrity, hmac)
  }

  /** The same with an HMAC-SHA256 (RFC 8489 §14.6). */
  messageIntegritySha256(hmac: Hmac): void {
    this.#integrity(Attribute.messageIntegritySha256, hmac)
  }

  /** The last attribute, if there is to be one (RFC 8489 §14.7). */
  fingerprint(): void {
    const at = this.#open(Attribute.fingerprint, FINGERPRINT_LENGTH - ATTRIBUTE_HEADER_LENGTH)
    writeUint32(this.#bytes, at, fingerprintOf(this.#bytes, this.#start, at - ATTRIBUTE_HEADER_LENGTH))
  }

  /** The length of the message, in bytes. */
  end(): number {
    return this.length
  }

  #integrity(type: number, hmac: Hmac): void {
    const at = this.#open(type, hmac.size)
    const text = this.#bytes.subarray(this.#start, at - ATTRIBUTE_HEADER_LENGTH)
    this.#bytes.set(hmac.sign(text), at)
  }

  /** Writes an attribute's header and padding, brings the message's length up to date; returns where the value goes. */
  #open(type: number, length: number): number {
    const at = this.#claim(ATTRIBUTE_HEADER_LENGTH + padded(length))
    writeUint16(this.#bytes, at, type)
    writeUint16(this.#bytes, at + 2, length)
    this.#bytes.fill(0, at + ATTRIBUTE_HEADER_LENGTH + length, this.#at)
    writeUint16(this.#bytes, this.#start + 2, this.length - HEADER_LENGTH)
    return at + ATTRIBUTE_HEADER_LENGTH
  }

  #claim(length: number): number {
    const at = this.#at
    if (at + length > this.#limit) {
      throw new RangeError(
        `the message needs more than the ${this.#limit - this.#start} bytes reserved for it`,
      )
    }
    this.#at = at + length
    return at
  }
}
