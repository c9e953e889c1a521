/** A seeded source of randomness (sfc32). The same seed gives the same sequence on every machine. */
export class Random {
  #a: number
  #b: number
  #c: number
  #counter = 1

  /** `seed`: any integer, or text. */
  constructor(seed: number | string) {
    // FNV-1a over the text, so that neighbouring seeds start far apart once mixed.
    let hash = 0x811c9dc5
    for (const character of String(seed)) hash = Math.imul(hash ^ character.codePointAt(0)!, 0x01000193)
    this.#a = hash
    this.#b = hash ^ 0x9e3779b9
    this.#c = Math.imul(hash, 0x85ebca6b)
    for (let i = 0; i < 15; i++) this.uint32()
  }

  /** 0 to 2³² − 1. */
  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum
    return sum >>> 0
  }

  /** 0 ≤ x < 1. */
  float(): number {
    return this.uint32() / 2 ** 32
  }

  /** A whole number, 0 ≤ x < below. */
  below(below: number): number {
    return Math.floor(this.float() * below)
  }

  /** True with this probability, 0–1. */
  chance(probability: number): boolean {
    return this.float() < probability
  }

  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError("pick(items): items is empty")
    return items[this.below(items.length)]!
  }

  fill(into: Uint8Array): void {
    for (let i = 0; i < into.length; i++) into[i] = this.uint32()
  }

  /** An independent source, so that one consumer's draws do not shift another's. */
  fork(name: string): Random {
    return new Random(`${this.uint32()}/${name}`)
  }
}
