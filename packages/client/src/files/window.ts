/** How long a queue we may fill, ms. */
const TARGET = 10

/** Of how many of the last messages the quickest counts: pages stumble, and that is no queue (RFC 6817 §3.4.2). */
const FILTER = 16

const MIN_WINDOW = 64 * 1024
const FIRST_WINDOW = 128 * 1024
const MAX_WINDOW = 4 * 1024 * 1024

/** What the window grows by in a round trip without a queue, bytes. */
const STEP = 32 * 1024

/** How long the shortest way is remembered, ms: paths change. */
const MEMORY = 30_000

/**
 * How much may be under way: as much as does not make others wait. What lengthens the way of our messages beyond the
 * shortest that was seen is a queue that we fill, and the call's sound waits in it too: so the window shrinks before it
 * is noticed (LEDBAT, RFC 6817).
 */
export class Window {
  #size = FIRST_WINDOW
  #starting = true
  #sent = 0
  #acknowledged = 0
  /** What is under way: where each message ends, and when it was sent. */
  readonly #underWay: { readonly end: number; readonly at: number }[] = []
  /** The shortest way of this span of memory and the last. */
  #shortest: [now: number, before: number] = [Infinity, Infinity]
  #since = -Infinity
  readonly #last: number[] = []

  get open(): boolean {
    return this.#sent - this.#acknowledged < this.#size
  }

  sent(bytes: number, now: number): void {
    this.#sent += bytes
    this.#underWay.push({ end: this.#sent, at: now })
  }

  /** Returns how much was newly acknowledged: 0 for nonsense. */
  acknowledge(total: number, now: number): number {
    if (!(total > this.#acknowledged && total <= this.#sent)) return 0
    const newly = total - this.#acknowledged
    this.#acknowledged = total
    let at: number | undefined
    while (this.#underWay[0] !== undefined && this.#underWay[0].end <= total) at = this.#underWay.shift()!.at
    if (at !== undefined) this.#adapt(now - at, newly, now)
    return newly
  }

  #adapt(took: number, newly: number, now: number): void {
    if (now - this.#since > MEMORY) {
      this.#shortest = [took, this.#shortest[0]]
      this.#since = now
    }
    this.#shortest[0] = Math.min(this.#shortest[0], took)
    this.#last.push(took)
    if (this.#last.length > FILTER) this.#last.shift()
    const queue = Math.min(...this.#last) - Math.min(...this.#shortest)
    if (queue > TARGET / 2) this.#starting = false
    const room = Math.max(-1, (TARGET - queue) / TARGET)
    const change = this.#starting ? newly : (room * newly * STEP) / this.#size
    this.#size = Math.min(MAX_WINDOW, Math.max(MIN_WINDOW, this.#size + change))
  }
}
