/**
 * So many bytes at once, and so many a second for long. What is sent while anything is left may overdraw it: what is owed
 * is paid back before the next. Begins full. Spending allocates nothing.
 */
export class ByteBucket {
  readonly #perSecond: number
  readonly #burst: number
  /** Bytes left, and when they were counted, in ms: a field of its own would be a new object for each number. */
  readonly #state: Float64Array

  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond
    this.#burst = burst
    this.#state = Float64Array.of(burst, 0)
  }

  /** Whether something may be sent. `now` in ms. */
  isOpen(now: number): boolean {
    const state = this.#state
    const left = Math.min(this.#burst, state[0]! + ((now - state[1]!) / 1000) * this.#perSecond)
    state[0] = left
    state[1] = now
    return left > 0
  }

  spend(bytes: number): void {
    this.#state[0]! -= bytes
  }
}

/** A bucket with a second's worth at once; none where there is no limit. */
export function limitedTo(bytesPerSecond: number): ByteBucket | undefined {
  return bytesPerSecond === Infinity ? undefined : new ByteBucket(bytesPerSecond, bytesPerSecond)
}
