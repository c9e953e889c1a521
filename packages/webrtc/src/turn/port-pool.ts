import type { RandomPool } from "./random-pool.ts"

/**
 * The relay ports of one address family. Each is free or in use, and chosen at random among the free
 * ones (RFC 8656 §7.2, RFC 6056), in constant time.
 */
export class PortPool {
  readonly first: number
  readonly total: number
  /** A permutation of all ports, as distances from the first: free ones in front. */
  readonly #ports: Uint16Array
  /** Where in the permutation each port is. */
  readonly #places: Uint16Array
  #free: number

  constructor(first: number, last: number) {
    if (!Number.isInteger(first) || !Number.isInteger(last) || first < 1 || last > 65_535 || first > last) {
      throw new RangeError(`relay ports: ${first}–${last} is no range of ports`)
    }
    this.first = first
    this.total = last - first + 1
    this.#ports = Uint16Array.from({ length: this.total }, (_, i) => i)
    this.#places = Uint16Array.from({ length: this.total }, (_, i) => i)
    this.#free = this.total
  }

  get free(): number {
    return this.#free
  }

  get used(): number {
    return this.total - this.#free
  }

  contains(port: number): boolean {
    return port >= this.first && port < this.first + this.total
  }

  isFree(port: number): boolean {
    return this.contains(port) && this.#places[port - this.first]! < this.#free
  }

  /** A free port, now in use; `undefined` when there is none. */
  take(random: RandomPool): number | undefined {
    if (this.#free === 0) return undefined
    const port = this.first + this.#ports[random.below(this.#free)]!
    this.claim(port)
    return port
  }

  /**
   * An even port, now in use; with `next` the odd one behind it too (RFC 8656 §7.2). `undefined` when there
   * is none. Looks at each port once at most, from a random one on.
   */
  takeEven(random: RandomPool, next: boolean): number | undefined {
    const start = random.below(this.total)
    for (let i = 0; i < this.total; i++) {
      const port = this.first + ((start + i) % this.total)
      if (port % 2 === 1 || !this.isFree(port) || (next && !this.isFree(port + 1))) continue
      this.claim(port)
      if (next) this.claim(port + 1)
      return port
    }
    return undefined
  }

  /** Takes one certain port, which must be free. */
  claim(port: number): void {
    if (!this.isFree(port)) throw new RangeError(`claim(${port}): this port is not free`)
    this.#free--
    this.#swap(this.#places[port - this.first]!, this.#free)
  }

  /** Gives back a port, which must be in use. */
  release(port: number): void {
    if (!this.contains(port) || this.isFree(port))
      throw new RangeError(`release(${port}): this port is not in use`)
    this.#swap(this.#places[port - this.first]!, this.#free)
    this.#free++
  }

  #swap(a: number, b: number): void {
    const portA = this.#ports[a]!
    const portB = this.#ports[b]!
    this.#ports[a] = portB
    this.#ports[b] = portA
    this.#places[portA] = b
    this.#places[portB] = a
  }
}
