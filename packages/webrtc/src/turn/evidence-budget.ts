/** Evidence is rare by nature; strangers who can cause it must not make it otherwise. A token bucket of one second. */
export class EvidenceBudget {
  readonly #perSecond: number
  #left: number
  #filledAt = -Infinity

  constructor(perSecond: number) {
    this.#perSecond = perSecond
    this.#left = perSecond
  }

  take(now: number): boolean {
    if (now - this.#filledAt >= 1000) {
      this.#left = this.#perSecond
      this.#filledAt = now
    }
    if (this.#left === 0) return false
    this.#left--
    return true
  }
}
