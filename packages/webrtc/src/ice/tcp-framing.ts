import { readUint16 } from "../bytes/index.ts"
import type { Framing } from "../contract/index.ts"

/** RFC 4571 §2: the length of what follows, in 16 bits. The frames that a driver hands up and takes have it in front. */
export const LENGTH_FIELD = 2

/** How packets stand on a TCP connection between ICE agents (RFC 6544 §3, RFC 4571). */
export const iceTcpFraming: Framing = {
  // No packet of WebRTC comes near it.
  longest: 0xffff,
  frameLength: (bytes, at, available) =>
    available < LENGTH_FIELD ? 0 : LENGTH_FIELD + readUint16(bytes, at),
  lengthOnStream: length => length,
}
