/** How far back late ones are still taken: RFC 3711 §3.3.2 and RFC 9147 §4.5.1 ask for 64 at least. */
const WORDS = 8
const SIZE = 32 * WORDS
/** `number & SLOT` is the remainder of numbers beyond 32 bits, too; `%` of such costs a call. */
const SLOT = SIZE - 1

/**
 * Which numbers have come: each is taken once, and none that is too far behind the highest. Asked before a packet is
 * authenticated, told after (RFC 3711 §3.3, RFC 9147 §4.5.1). Numbers are exact up to 2^53.
 */
export class ReplayWindow {
  /** -1 before any came. */
  highest = -1
  readonly #seen = new Uint32Array(WORDS)

  isNew(number: number): boolean {
    if (number > this.highest) return true
    if (number <= this.highest - SIZE) return false
    const slot = number & SLOT
    return (this.#seen[slot >>> 5]! & (1 << (slot & 31))) === 0
  }

  add(number: number): void {
    if (number > this.highest) {
      const skipped = number - this.highest
      if (skipped >= SIZE) this.#seen.fill(0)
      else for (let each = this.highest + 1; each < number; each++) this.#clear(each & SLOT)
      this.highest = number
    }
    const slot = number & SLOT
    this.#seen[slot >>> 5]! |= 1 << (slot & 31)
  }

  #clear(slot: number): void {
    this.#seen[slot >>> 5]! &= ~(1 << (slot & 31))
  }
}
