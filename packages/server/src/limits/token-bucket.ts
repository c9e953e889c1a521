/** So many at once, and so many a second for long. */
export class TokenBucket {
  readonly #perSecond: number
  readonly #burst: number
  #tokens: number
  #at: number

  /** Begins full. `now` in ms. */
  constructor(perSecond: number, burst: number, now: number) {
    this.#perSecond = perSecond
    this.#burst = burst
    this.#tokens = burst
    this.#at = now
  }

  /** Takes one; false when there is none. */
  take(now: number): boolean {
    const refill = ((now - this.#at) / 1000) * this.#perSecond
    this.#tokens = Math.min(this.#burst, this.#tokens + refill)
    this.#at = now
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }

  /** Seconds until there is one again, where there is none. */
  get wait(): number {
    return Math.max(0, 1 - this.#tokens) / this.#perSecond
  }
}
