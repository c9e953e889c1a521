/** In ms. */
export interface RtoOptions {
  /** Before any round trip was seen. Default 250: half of RFC 8445 §14.3's, as browsers do, for losses come early too. */
  readonly first?: number
  /** However short the round trip. Default 100. */
  readonly floor?: number
  /** Always this, whatever was seen. */
  readonly fixed?: number
}

const FIRST_RTO = 250
const RTO_FLOOR = 100

/** The retransmission timeout by the round trips seen (RFC 6298 §2), in ms. */
export class RoundTrip {
  readonly #options: RtoOptions
  /** -1 before the first. */
  smoothed = -1
  /** No round trip can have been longer, as it looked when nothing more certain was known; -1 before. */
  atMost = -1
  #variation = 0

  constructor(options: RtoOptions = {}) {
    this.#options = options
  }

  sample(ms: number): void {
    if (this.smoothed < 0) {
      this.smoothed = ms
      this.#variation = ms / 2
      return
    }
    this.#variation += (Math.abs(this.smoothed - ms) - this.#variation) / 4
    this.smoothed += (ms - this.smoothed) / 8
  }

  get known(): number | undefined {
    const known = this.smoothed < 0 ? this.atMost : this.smoothed
    return known < 0 ? undefined : known
  }

  get timeout(): number {
    const { first = FIRST_RTO, floor = RTO_FLOOR, fixed } = this.#options
    if (fixed !== undefined) return fixed
    if (this.smoothed < 0) return first
    return Math.max(floor, this.smoothed + 4 * this.#variation)
  }
}
