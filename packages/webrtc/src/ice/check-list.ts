import { type Address, equalAddress } from "../bytes/index.ts"
import { NO_PATH, type Path } from "../contract/index.ts"
import type { Base } from "./base.ts"
import { byPriority, type CandidatePair } from "./candidate-pair.ts"
import type { IceRole } from "./options.ts"

/** The pairs of one generation, by priority (RFC 8445 §6.1.2), and which is to be checked next (§6.1.4). */
export class CheckList {
  readonly pairs: CandidatePair[] = []
  /** RFC 8445 §6.1.4.1: a queue, first in, first out. */
  readonly #triggered: CandidatePair[] = []
  readonly #byPath = new Map<Path, CandidatePair>()
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  /** The pair of a path. A relay's pairs have none, and are found by `find`. */
  at(path: Path): CandidatePair | undefined {
    return this.#byPath.get(path)
  }

  find(base: Base, remote: Address): CandidatePair | undefined {
    return this.pairs.find(pair => pair.base === base && equalAddress(pair.remote.address, remote))
  }

  /**
   * Puts a pair in its place (RFC 8445 §6.1.2.5, §6.1.2.6). Returns the pair that is to leave for it, which may be itself:
   * the worst of those that neither work nor are being tried.
   */
  add(pair: CandidatePair, role: IceRole): CandidatePair | undefined {
    this.pairs.push(pair)
    if (pair.path !== NO_PATH) this.#byPath.set(pair.path, pair)
    this.sort(role)
    pair.state = this.#hasSiblingUnderWay(pair) ? "frozen" : "waiting"
    if (this.pairs.length <= this.#limit) return undefined
    return this.pairs.findLast(({ state }) => state !== "succeeded" && state !== "in-progress") ?? pair
  }

  /** There is a connection now. */
  connect(pair: CandidatePair, path: Path): void {
    pair.path = path
    this.#byPath.set(path, pair)
  }

  remove(pair: CandidatePair): void {
    this.pairs.splice(this.pairs.indexOf(pair), 1)
    this.#byPath.delete(pair.path)
    const at = this.#triggered.indexOf(pair)
    if (at >= 0) this.#triggered.splice(at, 1)
  }

  /** When candidates or the role changed. */
  sort(role: IceRole): void {
    this.pairs.sort((a, b) => byPriority(a, b, role))
  }

  /** RFC 8445 §7.3.1.4: a check of theirs shows that now is the time. */
  trigger(pair: CandidatePair): void {
    pair.state = "waiting"
    if (pair.isTriggered) return
    pair.isTriggered = true
    this.#triggered.push(pair)
  }

  /** RFC 8445 §7.2.5.3.3: what shares the foundation of a pair that works is likely to work. */
  unfreeze(foundation: string): void {
    for (const pair of this.pairs)
      if (pair.state === "frozen" && pair.foundation === foundation) pair.state = "waiting"
  }

  /** RFC 8445 §6.1.4.2: the pair to check now, and whether there will be another. It is taken out of the queue. */
  next(): CandidatePair | undefined {
    for (let i = 0; i < this.#triggered.length; i++) {
      const pair = this.#triggered[i]!
      if (!pair.base.isReady(pair.remote.address)) continue
      this.#triggered.splice(i, 1)
      pair.isTriggered = false
      return pair
    }
    return this.#waiting() ?? this.#thaw()
  }

  get hasNext(): boolean {
    return (
      this.#triggered.some(isReady) ||
      this.pairs.some(pair => pair.state === "waiting" && isReady(pair)) ||
      this.#canThaw()
    )
  }

  /** Whether nothing was decided yet about some pair. */
  get isUndecided(): boolean {
    return this.pairs.some(({ state }) => state !== "succeeded" && state !== "failed")
  }

  #waiting(): CandidatePair | undefined {
    return this.pairs.find(pair => pair.state === "waiting" && isReady(pair))
  }

  /** RFC 8445 §6.1.4.2, step 3: where nothing of a foundation is under way, its best pair is due. */
  #thaw(): CandidatePair | undefined {
    return this.pairs.find(
      pair => pair.state === "frozen" && isReady(pair) && !this.#hasSiblingUnderWay(pair),
    )
  }

  #canThaw(): boolean {
    return this.#thaw() !== undefined
  }

  #hasSiblingUnderWay(pair: CandidatePair): boolean {
    return this.pairs.some(
      other =>
        other !== pair &&
        (other.state === "waiting" || other.state === "in-progress") &&
        other.foundation === pair.foundation,
    )
  }
}

function isReady(pair: CandidatePair): boolean {
  return pair.base.isReady(pair.remote.address)
}
