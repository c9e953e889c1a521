import { type Address, readUint16, writeUint16 } from "../bytes/index.ts"
import { AddressFamily } from "./attributes.ts"
import { TRANSACTION_ID_AT } from "./header.ts"
import type { StunMessage } from "./message.ts"

/** XOR-MAPPED-ADDRESS, XOR-PEER-ADDRESS and XOR-RELAYED-ADDRESS share one form (RFC 8489 §14.2). */

/** The cookie's upper half, which ports are XORed with. */
const PORT_MASK = 0x2112
/** Where the cookie is in a message, with the transaction id right behind it: what addresses are XORed with. */
const COOKIE_AT = TRANSACTION_ID_AT - 4

/** An address to read into, over and over: `ip` is one of two buffers. Who keeps it copies it. */
export class AddressSlot implements Address {
  ip: Uint8Array
  port = 0
  readonly #ipv4 = new Uint8Array(4)
  readonly #ipv6 = new Uint8Array(16)

  constructor() {
    this.ip = this.#ipv4
  }

  choose(length: 4 | 16): Uint8Array {
    this.ip = length === 4 ? this.#ipv4 : this.#ipv6
    return this.ip
  }

  copy(): Address {
    return { ip: this.ip.slice(), port: this.port }
  }
}

/** Reads attribute `index` of `message` as an address; false when it is none. */
export function readXorAddress(message: StunMessage, index: number, into: AddressSlot): boolean {
  const size = addressSize(message, index)
  if (size === 0) return false
  const { bytes } = message
  const at = message.valueAt(index)
  into.port = readUint16(bytes, at + 2) ^ PORT_MASK
  const ip = into.choose(size)
  const mask = message.offset + COOKIE_AT
  for (let i = 0; i < size; i++) ip[i] = bytes[at + 4 + i]! ^ bytes[mask + i]!
  return true
}

/** Bytes of the IP address in attribute `index`: 4 or 16; 0 when it has none. */
export function addressSize(message: StunMessage, index: number): 0 | 4 | 16 {
  const length = message.valueLength(index)
  if (length < 4) return 0
  // The first byte is ignored by receivers (RFC 8489 §14.1).
  const family = message.bytes[message.valueAt(index) + 1]
  const size = family === AddressFamily.ipv4 ? 4 : family === AddressFamily.ipv6 ? 16 : 0
  return length === 4 + size ? size : 0
}

/** Bytes of the value that `writeXorAddress` writes. */
export function xorAddressLength(ip: Uint8Array): number {
  return 4 + ip.length
}

/** Writes a value at `at`, for the message whose header is already written at `messageAt`. */
export function writeXorAddress(
  bytes: Uint8Array,
  at: number,
  messageAt: number,
  ip: Uint8Array,
  port: number,
): void {
  bytes[at] = 0
  bytes[at + 1] = ip.length === 4 ? AddressFamily.ipv4 : AddressFamily.ipv6
  writeUint16(bytes, at + 2, port ^ PORT_MASK)
  for (let i = 0; i < ip.length; i++) bytes[at + 4 + i] = ip[i]! ^ bytes[messageAt + COOKIE_AT + i]!
}
