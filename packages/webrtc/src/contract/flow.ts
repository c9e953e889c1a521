import type { Path } from "./path.ts"

/**
 * What a machine has to say about the bytes between two streams that it joined, which it does not see itself. Called by
 * the driver for every piece, outside of the machine's turns: it counts, and nothing else.
 */
export interface Flow {
  /** So many bytes came on `from`, and go to the other. */
  passed(from: Path, length: number, now: number): void
  /** How long nothing more is to be read from either, ms; 0 to go on. Asked after each piece, and when the time is over. */
  wait(now: number): number
}
