import { readUint16 } from "../bytes/index.ts"

/** RFC 3550 §5.1: all but the CSRCs and the extension. */
export const FIXED_HEADER = 12
/** RFC 3550 §6.4: of RTCP, what is never encrypted (RFC 3711 §3.4). */
export const RTCP_HEADER = 8
/** RFC 3550 §5.3.1: "defined by profile" and the length. */
export const EXTENSION_HEADER = 4

const VERSION = 2
const EXTENSION_BIT = 0x10
const NONE = -1

/** Bytes of the header with CSRCs and extension; -1 where it is no RTP, or is longer than the packet. */
export function headerLength(bytes: Uint8Array, at: number, length: number): number {
  if (length < FIXED_HEADER || bytes[at]! >>> 6 !== VERSION) return NONE
  let header = FIXED_HEADER + csrcLength(bytes, at)
  if (hasExtension(bytes, at)) {
    if (header + EXTENSION_HEADER > length) return NONE
    header += EXTENSION_HEADER + 4 * readUint16(bytes, at + header + 2)
  }
  return header <= length ? header : NONE
}

export function isRtcp(bytes: Uint8Array, at: number, length: number): boolean {
  return length >= RTCP_HEADER && bytes[at]! >>> 6 === VERSION
}

export function csrcLength(bytes: Uint8Array, at: number): number {
  return (bytes[at]! & 0x0f) * 4
}

export function hasExtension(bytes: Uint8Array, at: number): boolean {
  return (bytes[at]! & EXTENSION_BIT) !== 0
}

export function setExtensionBit(bytes: Uint8Array, at: number): void {
  bytes[at]! |= EXTENSION_BIT
}
