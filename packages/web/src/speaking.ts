/** Above this loudness (RMS, 0–1) a voice has begun; below the lower one it may have stopped. */
const BEGINS = 0.03
const ENDS = 0.015

/** A pause within a sentence is no silence, ms. */
const HANG = 700

export interface Voice {
  readonly speaking: boolean
  /** When it was last loud, ms. */
  readonly loudAt: number
}

export const SILENT: Voice = { speaking: false, loudAt: Number.NEGATIVE_INFINITY }

/** Whether somebody speaks, from one loudness after another: quick to begin, slow to end, so rings do not flicker. */
export function listen(voice: Voice, loudness: number, now: number): Voice {
  if (loudness >= BEGINS || (voice.speaking && loudness >= ENDS)) return { speaking: true, loudAt: now }
  if (voice.speaking && now - voice.loudAt < HANG) return voice
  return voice.speaking ? { speaking: false, loudAt: voice.loudAt } : voice
}

/** Loudness as a share of a meter: 50 dB of range, so that speech fills about two thirds. */
export function meterShare(loudness: number): number {
  if (loudness <= 0) return 0
  return Math.min(1, Math.max(0, 1 + (20 * Math.log10(loudness) + 6) / 50))
}
