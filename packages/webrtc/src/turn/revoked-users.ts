/** Users whose credentials are refused though they have not expired: who left, and who was sent out. */
export class RevokedUsers {
  readonly #limit: number
  /** User → when their last credentials have expired, in ms on the machine's clock. */
  readonly #until = new Map<string, number>()

  constructor(limit: number) {
    this.#limit = limit
  }

  has(user: string): boolean {
    return this.#until.has(user)
  }

  /** Where too many are remembered, the one that was added first makes room. */
  add(user: string, until: number, now: number): void {
    this.#until.delete(user)
    this.#until.set(user, until)
    // All credentials live equally long: who was added first is also the first to be forgotten.
    for (const [first, expiry] of this.#until) {
      if (expiry > now && this.#until.size <= this.#limit) return
      this.#until.delete(first)
    }
  }
}
