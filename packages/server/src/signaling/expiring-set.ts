/** Ids that matter until a time: join tokens that were used, sessions that may not come back. */
export class ExpiringSet {
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

  /** Where it is full, the one that was added first makes room. */
  add(id: string, forgetAt: number): void {
    this.#forgetAt.delete(id)
    if (this.isFull) this.#forgetAt.delete(this.#forgetAt.keys().next().value!)
    this.#forgetAt.set(id, forgetAt)
  }

  delete(id: string): void {
    this.#forgetAt.delete(id)
  }

  forgetExpired(now: number): void {
    for (const [id, forgetAt] of this.#forgetAt) if (forgetAt <= now) this.#forgetAt.delete(id)
  }
}
