/** Over how long the rate is averaged, and how far apart it is looked at, ms. */
const SPAN = 4000
const STEP = 250

/** How fast bytes come through. */
export class Rate {
  readonly #samples: { readonly at: number; readonly bytes: number }[] = []

  /** `bytes` have come through in all by now. */
  add(bytes: number, now: number): void {
    const last = this.#samples.at(-1)
    if (last !== undefined && now - last.at < STEP) return
    this.#samples.push({ at: now, bytes })
    while (this.#samples.length > 2 && now - this.#samples[0]!.at > SPAN) this.#samples.shift()
  }

  /** It goes on after a break: what was before does not count. */
  reset(): void {
    this.#samples.length = 0
  }

  /** Bytes a second; `undefined` before there is enough to tell. */
  get perSecond(): number | undefined {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)]
    if (first === undefined || last === undefined || last.at - first.at < STEP) return undefined
    return ((last.bytes - first.bytes) * 1000) / (last.at - first.at)
  }
}
