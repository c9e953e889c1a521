import { type CandidatePair, comparePriority } from "./candidate-pair.ts"
import type { Consent } from "./consent.ts"
import type { IceRole } from "./options.ts"

/** Which pair data goes over (RFC 8445 §8.1.1, §12.1), and which one the other end is told to use. */
export class Selection {
  /** Data goes over it. */
  selected: CandidatePair | undefined
  /** What the other end is told to use, where we are controlling. */
  nominee: CandidatePair | undefined
  /** Whether it is still to be told. */
  isNominationDue = false
  /** How often another pair was nominated: NOMINATION. */
  nominations = 0
  readonly #consent: Consent

  constructor(consent: Consent) {
    this.#consent = consent
  }

  /**
   * Looks at the pairs, which stand by priority. Whoever controls takes the best that works from the first moment on, and
   * nominates it; whoever is controlled does as it is told, once it was. True when another pair is selected.
   */
  choose(pairs: readonly CandidatePair[], role: IceRole, now: number): boolean {
    const best =
      (role === "controlled" ? this.#nominated(pairs, now) : undefined) ?? this.#bestValid(pairs, now)
    this.#consent.keep(pairs, best, now)
    if (role === "controlling" && best !== this.nominee) this.#nominate(best)
    if (best === this.selected) return false
    this.selected = best
    return true
  }

  /** A pair works no more. */
  forget(pair: CandidatePair): void {
    if (this.selected === pair) this.selected = undefined
    if (this.nominee === pair) this.#nominate(undefined)
  }

  /** The role changed. */
  renounce(): void {
    this.#nominate(undefined)
  }

  #nominate(pair: CandidatePair | undefined): void {
    this.nominee = pair
    this.isNominationDue = pair !== undefined
    if (pair !== undefined) this.nominations++
  }

  /**
   * The best of what works. Where what is in use fell silent, what was heard since is better than what was not asked: all
   * that took the same way is likely to be gone with it.
   */
  #bestValid(pairs: readonly CandidatePair[], now: number): CandidatePair | undefined {
    const { selected } = this
    const valid = pairs.filter(({ state }) => state === "succeeded")
    const sound = valid.filter(pair => !this.#consent.isDoubtful(pair, now))
    if (selected?.state !== "succeeded") return sound[0] ?? valid[0]
    if (!this.#consent.isDoubtful(selected, now)) return sound[0]
    return sound.find(({ heardAt }) => heardAt >= selected.unansweredSince) ?? sound[0] ?? selected
  }

  /** Of what the other end nominated and what works: by its number, else by priority as RFC 5245 §8.1.1.2 had it. */
  #nominated(pairs: readonly CandidatePair[], now: number): CandidatePair | undefined {
    let best: CandidatePair | undefined
    for (const pair of pairs) {
      if (pair.state !== "succeeded" || pair.nomination < 0 || this.#consent.isDoubtful(pair, now)) continue
      if (best === undefined || isNominatedAfter(pair, best)) best = pair
    }
    return best
  }
}

/** Without a number it is the priority that counts; of what neither tells apart, the later. */
function isNominatedAfter(pair: CandidatePair, other: CandidatePair): boolean {
  if (pair.nomination !== other.nomination) return pair.nomination > other.nomination
  const isTie = pair.nomination > 0 || comparePriority(pair, other, "controlled") === 0
  return isTie && pair.nominatedAt > other.nominatedAt
}
