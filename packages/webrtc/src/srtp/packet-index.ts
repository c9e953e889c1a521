/** How far a sequence number is taken to be ahead at most: half of them all. */
const HALF = 0x8000
const ALL = 0x10000

/**
 * The 48-bit index of a packet, ROC ‖ SEQ: the one with this sequence number that is closest to the highest so far
 * (RFC 3711 §3.3.1). `highest` is -1 for the first, whose ROC is 0.
 */
export function packetIndex(highest: number, sequence: number): number {
  if (highest < 0) return sequence
  // `& 0xffff` is the remainder of numbers beyond 32 bits, too.
  const ahead = ((sequence - (highest & 0xffff) + HALF) & 0xffff) - HALF
  const index = highest + ahead
  // Before the first ROC there is none.
  return index < 0 ? index + ALL : index
}

/** The upper 32 of its 48 bits. */
export function rolloverCounter(index: number): number {
  return Math.floor(index / ALL)
}
