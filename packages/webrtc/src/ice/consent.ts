import type { Crypto } from "../crypto/index.ts"
import type { CandidatePair } from "./candidate-pair.ts"

/** RFC 7675 §5.1, in ms, on the pair in use. */
const CONSENT_INTERVAL = 5_000
/** On pairs that stand by: often enough for a NAT's binding (RFC 8445 §11: Tr is 15 s or more). */
const STANDBY_INTERVAL = 15_000
/** How many stand by. */
const STANDBY = 4
/** In ms: while answers are missing it is asked so often. */
const DOUBTFUL_INTERVAL = 500
/** In ms: after so long without an answer or a check of theirs, another pair is better. */
const DOUBTFUL_AFTER = 2_000

/**
 * Consent freshness (RFC 7675) of the pairs that work, and their life: whether anything authentic was heard lately, be
 * it an answer or a check of the other end.
 */
export class Consent {
  readonly #crypto: Crypto
  readonly #lifetime: number
  readonly #byte = new Uint8Array(1)

  constructor(crypto: Crypto, lifetime: number) {
    this.#crypto = crypto
    this.#lifetime = lifetime
  }

  /** The other end answered. True when that was in doubt. */
  granted(pair: CandidatePair, now: number): boolean {
    const wasDoubtful = this.isDoubtful(pair, now)
    pair.consentedAt = now
    pair.unansweredSince = Infinity
    pair.isDoubted = false
    pair.askAt = now + this.#jittered(CONSENT_INTERVAL)
    return wasDoubtful
  }

  /** It is being asked. True when this is the first time that it is in doubt. */
  asked(pair: CandidatePair, now: number): boolean {
    if (pair.unansweredSince === Infinity) pair.unansweredSince = now
    const { smoothed } = pair.roundTrip
    pair.askAt = now + Math.max(DOUBTFUL_INTERVAL, 1.5 * smoothed)
    if (pair.isDoubted || !this.isDoubtful(pair, now)) return false
    pair.isDoubted = true
    return true
  }

  /** The pair in use did not answer at once: what of the others does? */
  compare(pairs: readonly CandidatePair[], selected: CandidatePair, now: number): void {
    if (now === selected.unansweredSince) return
    for (const pair of pairs)
      if (
        pair.state === "succeeded" &&
        pair.unansweredSince === Infinity &&
        pair.heardAt < selected.unansweredSince
      )
        pair.askAt = Math.min(pair.askAt, now)
  }

  /**
   * Whether another pair that works should be preferred. To be heard from keeps a pair from being doubted; that we are heard
   * over one that is takes an answer.
   */
  isDoubtful(pair: CandidatePair, now: number): boolean {
    if (pair.isDoubted) return true
    return now - pair.unansweredSince >= DOUBTFUL_AFTER && now - pair.heardAt >= DOUBTFUL_AFTER
  }

  isExpired(pair: CandidatePair, now: number): boolean {
    return pair.state === "succeeded" && now >= this.expiryOf(pair)
  }

  expiryOf(pair: CandidatePair): number {
    return pair.consentedAt + this.#lifetime
  }

  /** The pair in use is asked often, the best others now and then, the rest is left to expire. `pairs` by priority. */
  keep(pairs: readonly CandidatePair[], selected: CandidatePair | undefined, now: number): void {
    let standingBy = 0
    for (const pair of pairs) {
      if (pair.state !== "succeeded") continue
      if (pair === selected) {
        if (pair.askAt > now + 1.2 * CONSENT_INTERVAL) pair.askAt = now + this.#jittered(CONSENT_INTERVAL)
      } else if (standingBy < STANDBY) {
        standingBy++
        if (pair.unansweredSince === Infinity)
          pair.askAt = Math.max(
            pair.askAt === Infinity ? 0 : pair.askAt,
            pair.consentedAt + 0.8 * STANDBY_INTERVAL,
          )
      } else pair.askAt = Infinity
    }
  }

  /** RFC 7675 §5.1: by a factor of 0.8 to 1.2, so that nothing falls into step. */
  #jittered(interval: number): number {
    this.#crypto.random(this.#byte)
    return interval * (0.8 + (0.4 * this.#byte[0]!) / 255)
  }
}
