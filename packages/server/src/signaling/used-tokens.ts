/** Join tokens that have opened their session: each opens one. Remembered until they expire by themselves. */
export class UsedTokens {
  readonly #capacity: number
  /** Id → when it may be forgotten, in ms. */
  readonly #forgetAt = new Map<string, number>()

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get size(): number {
    return this.#forgetAt.size
  }

  get isFull(): boolean {
    return this.#forgetAt.size >= this.#capacity
  }

  has(id: string): boolean {
    return this.#forgetAt.has(id)
  }

  add(id: string, forgetAt: number): void {
    this.#forgetAt.set(id, forgetAt)
  }

  forgetExpired(now: number): void {
    for (const [id, forgetAt] of this.#forgetAt) if (forgetAt <= now) this.#forgetAt.delete(id)
  }
}
