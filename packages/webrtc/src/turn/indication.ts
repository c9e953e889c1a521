import { type Address, writeUint16, writeUint32 } from "../bytes/index.ts"
import {
  ATTRIBUTE_HEADER_LENGTH,
  Attribute,
  HEADER_LENGTH,
  MAGIC_COOKIE,
  MessageClass,
  Method,
  messageType,
  padded,
  TRANSACTION_ID_AT,
  TRANSACTION_ID_LENGTH,
  writeXorAddress,
  xorAddressLength,
} from "../stun/index.ts"
import type { RandomPool } from "./random-pool.ts"

/** Send: to a peer, from the client (RFC 8656 §11.1). Data: from a peer, to the client (§11.3). */
export const SEND_INDICATION: number = messageType(MessageClass.indication, Method.send)
export const DATA_INDICATION: number = messageType(MessageClass.indication, Method.data)

/** What stands in front of the data: the message's header, XOR-PEER-ADDRESS, and the header of DATA. */
export function indicationHeaderLength(peer: Uint8Array): number {
  return HEADER_LENGTH + 2 * ATTRIBUTE_HEADER_LENGTH + xorAddressLength(peer)
}

/** Writes what stands in front of the data, to `at`, but for the two lengths. */
export function beginIndication(
  type: number,
  peer: Address,
  bytes: Uint8Array,
  at: number,
  random: RandomPool,
): void {
  writeUint16(bytes, at, type)
  writeUint32(bytes, at + 4, MAGIC_COOKIE)
  const idAt = random.take(TRANSACTION_ID_LENGTH)
  for (let i = 0; i < TRANSACTION_ID_LENGTH; i++) bytes[at + TRANSACTION_ID_AT + i] = random.bytes[idAt + i]!
  const peerAt = at + HEADER_LENGTH
  const peerLength = xorAddressLength(peer.ip)
  writeUint16(bytes, peerAt, Attribute.xorPeerAddress)
  writeUint16(bytes, peerAt + 2, peerLength)
  writeXorAddress(bytes, peerAt + ATTRIBUTE_HEADER_LENGTH, at, peer.ip, peer.port)
  writeUint16(bytes, peerAt + ATTRIBUTE_HEADER_LENGTH + peerLength, Attribute.data)
}

/**
 * Writes the two lengths of an indication with `length` bytes of data behind its `header` bytes, and its padding: what
 * lies there belongs to nobody, and not to the receiver either. Returns how long it is.
 */
export function endIndication(bytes: Uint8Array, at: number, header: number, length: number): number {
  const whole = header + padded(length)
  writeUint16(bytes, at + 2, whole - HEADER_LENGTH)
  writeUint16(bytes, at + header - 2, length)
  for (let i = header + length; i < whole; i++) bytes[at + i] = 0
  return whole
}
