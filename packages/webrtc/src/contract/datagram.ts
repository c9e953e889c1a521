import type { Path } from "./path.ts"

/**
 * Room that every received datagram has in front of it. A relay writes its own header there and
 * sends the rest on uncopied: enough for a TURN Data indication with an IPv6 peer (48 bytes).
 */
export const HEADROOM = 64

/** Room behind every received datagram: for padding, and for authentication tags. */
export const TAILROOM = 64

/**
 * Received bytes, in the driver's slab. One object, reused: whoever wants to keep anything copies it
 * before returning. `bytes[offset - HEADROOM, offset + length + TAILROOM)` belongs to the receiver,
 * who may write there.
 */
export interface Datagram {
  bytes: Uint8Array
  /** Over the same memory as `bytes`, with the same origin. */
  view: DataView
  offset: number
  /** In bytes, as received: never a length that the sender declared. */
  length: number
  /** Where it came from. */
  path: Path
  /** The IP header's ECN field, 0–3 (RFC 3168 §5); 0 where the platform does not tell. */
  ecn: number
}
