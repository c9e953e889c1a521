import { writeUint16 } from "../bytes/index.ts"
import { equalInConstantTime, type Hmac } from "../crypto/index.ts"
import { ATTRIBUTE_HEADER_LENGTH } from "./attributes.ts"
import { HEADER_LENGTH } from "./header.ts"
import type { StunMessage } from "./message.ts"

/** MESSAGE-INTEGRITY and MESSAGE-INTEGRITY-SHA256, with their headers, in bytes. */
export const INTEGRITY_LENGTH = 24
export const INTEGRITY_SHA256_LENGTH = 36

const lengthField = new Uint8Array(4)

/** Whether MESSAGE-INTEGRITY is there and right, by an HMAC-SHA1 (RFC 8489 §14.5). */
export function hasValidIntegrity(message: StunMessage, hmac: Hmac): boolean {
  return isValid(message, message.integrityAt, 20, hmac)
}

/**
 * Whether MESSAGE-INTEGRITY-SHA256 is there and right, by an HMAC-SHA256. Truncated ones are refused:
 * a usage would have to allow them (RFC 8489 §14.6), and none of ours does.
 */
export function hasValidIntegritySha256(message: StunMessage, hmac: Hmac): boolean {
  return isValid(message, message.integritySha256At, 32, hmac)
}

function isValid(message: StunMessage, at: number, size: number, hmac: Hmac): boolean {
  const { bytes, offset } = message
  if (at < 0 || bytes[at + 3] !== size) return false
  // The hash is taken as if this attribute were the last: the header's length is adjusted, in a copy.
  const tagAt = at + ATTRIBUTE_HEADER_LENGTH
  lengthField[0] = bytes[offset]!
  lengthField[1] = bytes[offset + 1]!
  writeUint16(lengthField, 2, tagAt + size - offset - HEADER_LENGTH)
  const tag = hmac.sign(lengthField, bytes.subarray(offset + 4, at))
  return equalInConstantTime(tag, bytes.subarray(tagAt, tagAt + size))
}
