import { readUint16, writeUint16 } from "../bytes/index.ts"
import { csrcLength, EXTENSION_HEADER, FIXED_HEADER, hasExtension, setExtensionBit } from "./rtp-header.ts"

// "Defined by profile" of header extensions: RFC 8285 §4.2 and §4.3, and those of RFC 9335 §4 that stand for them.
const ONE_BYTE = 0xbede
const TWO_BYTE = 0x1000
const HIDDEN_ONE_BYTE = 0xc0de
const HIDDEN_TWO_BYTE = 0xc2de

/** What stays in clear: the fixed header and that of the extension. */
export const CRYPTEX_CLEAR: number = FIXED_HEADER + EXTENSION_HEADER

/** Whether there is something to hide, and it can be: CSRCs, or extensions of RFC 8285. */
export function canHide(bytes: Uint8Array, at: number): boolean {
  const csrcs = csrcLength(bytes, at)
  if (!hasExtension(bytes, at)) return csrcs > 0
  const profile = readUint16(bytes, at + FIXED_HEADER + csrcs)
  return profile === ONE_BYTE || profile === TWO_BYTE
}

/** Says that the header is hidden. Returns the packet's length: one of CSRCs alone gets an extension, an empty one. */
export function markHidden(bytes: Uint8Array, at: number, length: number): number {
  const extension = at + FIXED_HEADER + csrcLength(bytes, at)
  if (hasExtension(bytes, at)) {
    writeUint16(
      bytes,
      extension,
      readUint16(bytes, extension) === ONE_BYTE ? HIDDEN_ONE_BYTE : HIDDEN_TWO_BYTE,
    )
    return length
  }
  bytes.copyWithin(extension + EXTENSION_HEADER, extension, at + length)
  setExtensionBit(bytes, at)
  writeUint16(bytes, extension, HIDDEN_ONE_BYTE)
  writeUint16(bytes, extension + 2, 0)
  return length + EXTENSION_HEADER
}

export function isHidden(bytes: Uint8Array, at: number): boolean {
  if (!hasExtension(bytes, at)) return false
  const profile = readUint16(bytes, at + FIXED_HEADER + csrcLength(bytes, at))
  return profile === HIDDEN_ONE_BYTE || profile === HIDDEN_TWO_BYTE
}

/** Of a packet whose header `isHidden`: says again what it was. An empty extension that came for the CSRCs' sake stays. */
export function markShown(bytes: Uint8Array, at: number): void {
  const extension = at + FIXED_HEADER + csrcLength(bytes, at)
  writeUint16(bytes, extension, readUint16(bytes, extension) === HIDDEN_ONE_BYTE ? ONE_BYTE : TWO_BYTE)
}

/**
 * What is encrypted is one run of bytes that the extension's header is not part of, though on the wire it stands behind
 * the CSRCs. So it goes before them, and afterwards back to where it was.
 */
export function intoCipherOrder(bytes: Uint8Array, at: number, csrcs: number): void {
  const from = at + FIXED_HEADER
  const [profile, words] = [readUint16(bytes, from + csrcs), readUint16(bytes, from + csrcs + 2)]
  bytes.copyWithin(from + EXTENSION_HEADER, from, from + csrcs)
  writeUint16(bytes, from, profile)
  writeUint16(bytes, from + 2, words)
}

export function intoWireOrder(bytes: Uint8Array, at: number, csrcs: number): void {
  const from = at + FIXED_HEADER
  const [profile, words] = [readUint16(bytes, from), readUint16(bytes, from + 2)]
  bytes.copyWithin(from, from + EXTENSION_HEADER, from + EXTENSION_HEADER + csrcs)
  writeUint16(bytes, from + csrcs, profile)
  writeUint16(bytes, from + csrcs + 2, words)
}
