import { readUint16 } from "../bytes/index.ts"
import type { Framing } from "../contract/index.ts"
import { beginsAsStun, HEADER_LENGTH, padded } from "../stun/index.ts"
import { CHANNEL_HEADER_LENGTH, FIRST_CHANNEL, LAST_CHANNEL_RFC5766 } from "./channel.ts"

/** Both kinds of message have their length in bytes 2 and 3. */
const LENGTH_END = 4

/**
 * TURN over TCP and TLS: STUN messages and ChannelData, one behind the other. ChannelData is padded to
 * four bytes there, which its length does not count (RFC 8656 §12.5); STUN's always is (RFC 8489 §5).
 */
export const turnFraming: Framing = {
  // STUN's, with the greatest multiple of 4 that 16 bits hold.
  longest: HEADER_LENGTH + 0xfffc,

  frameLength(bytes, at, available) {
    const first = bytes[at]!
    if (first >= FIRST_CHANNEL >> 8 && first <= LAST_CHANNEL_RFC5766 >> 8) {
      // Whether the number may be used is the server's to say: the frame ends where it ends.
      return available < LENGTH_END ? 0 : CHANNEL_HEADER_LENGTH + padded(readUint16(bytes, at + 2))
    }
    const isStun = beginsAsStun(bytes, at, available)
    if (isStun === false) return -1
    if (available < LENGTH_END) return 0
    const length = readUint16(bytes, at + 2)
    if (length % 4 !== 0) return -1
    return isStun === undefined ? 0 : HEADER_LENGTH + length
  },

  lengthOnStream: padded,
}
