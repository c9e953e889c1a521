/**
 * So many bytes at once, and so many a second for long. What is sent while anything is left may overdraw it: what is owed
 * is paid back before the next. Begins full. Spending allocates nothing.
 */
export class ByteBucket {
  readonly #perSecond: number
  readonly #burst: number
  /** Bytes spent of the burst, and when they were counted, in ms: a field of its own would be a new object for each number. */
  readonly #state: Float64Array

  /** `state`: two zeros, where several are to share one bucket. */
  constructor(perSecond: number, burst: number, state: Float64Array = new Float64Array(2)) {
    this.#perSecond = perSecond
    this.#burst = burst
    this.#state = state
  }

  /** Whether something may be sent. `now` in ms. */
  isOpen(now: number): boolean {
    const state = this.#state
    const spent = Math.max(0, state[0]! - ((now - state[1]!) / 1000) * this.#perSecond)
    state[0] = spent
    state[1] = now
    return spent < this.#burst
  }

  /** How long until something may be sent, in ms; 0 where it may be now. */
  delay(now: number): number {
    if (this.isOpen(now)) return 0
    return Math.max(1, ((this.#state[0]! - this.#burst) / this.#perSecond) * 1000)
  }

  /** Right after `isOpen`. */
  spend(bytes: number): void {
    this.#state[0]! += bytes
  }

  /** As `spend`, where nobody asked before. */
  overdraw(bytes: number, now: number): void {
    this.isOpen(now)
    this.spend(bytes)
  }
}

/** A bucket with a second's worth at once; none where there is no limit. */
export function limitedTo(bytesPerSecond: number, state?: Float64Array): ByteBucket | undefined {
  return bytesPerSecond === Infinity ? undefined : new ByteBucket(bytesPerSecond, bytesPerSecond, state)
}
