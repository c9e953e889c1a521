import { readUint32 } from "../bytes/index.ts"
import { ATTRIBUTE_HEADER_LENGTH } from "./attributes.ts"
import type { StunMessage } from "./message.ts"

/** FINGERPRINT, with its header, in bytes. */
export const FINGERPRINT_LENGTH = 8

/** XORed in, so that a CRC-32 that a payload carries of itself is not taken for ours (RFC 8489 §14.7). */
const XOR = 0x5354554e

/** CRC-32 by the polynomial of ITU V.42, least significant bit first. */
const TABLE: Uint32Array = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  return crc
})

/** The value of FINGERPRINT over `bytes[from, to)`: the message in front of the attribute. */
export function fingerprintOf(bytes: Uint8Array, from: number, to: number): number {
  let crc = 0xffffffff
  for (let i = from; i < to; i++) crc = TABLE[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8)
  return ~(crc ^ XOR) >>> 0
}

/**
 * Whether the message ends in a FINGERPRINT that is right. The header's length is covered as it stands,
 * so a fingerprint that is not the last attribute is wrong (RFC 8489 §14.7).
 */
export function hasValidFingerprint(message: StunMessage): boolean {
  const at = message.fingerprintAt
  if (at + FINGERPRINT_LENGTH !== message.offset + message.length) return false
  return (
    readUint32(message.bytes, at + ATTRIBUTE_HEADER_LENGTH) ===
    fingerprintOf(message.bytes, message.offset, at)
  )
}
