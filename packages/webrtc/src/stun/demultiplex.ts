import { readUint32 } from "../bytes/index.ts"
import { MAGIC_COOKIE } from "./header.ts"

const COOKIE_AT = 4
const COOKIE_END = 8

/**
 * Whether a stream that begins with `bytes[at, at + available)` is STUN's: a first byte of 0–3, the magic
 * cookie at byte 4 (RFC 8489 §5). `undefined` when more bytes are needed to tell. Framed as ICE does it
 * over TCP (RFC 4571), the cookie is at byte 6.
 */
export function beginsAsStun(
  bytes: Uint8Array,
  at: number = 0,
  available: number = bytes.length,
): boolean | undefined {
  if (available > 0 && bytes[at]! > 3) return false
  if (available < COOKIE_END) return undefined
  return readUint32(bytes, at + COOKIE_AT) === MAGIC_COOKIE
}

/**
 * What a first byte says about the rest, on a socket where only STUN and TURN are spoken (RFC 7983 §7,
 * RFC 9443 §3, RFC 8656 §12): everything else that WebRTC multiplexes is noise there.
 */
export function demultiplex(firstByte: number): "stun" | "channel-data" | "other" {
  if (firstByte <= 3) return "stun"
  if (firstByte >= 64 && firstByte <= 79) return "channel-data"
  return "other"
}
