import type { RandomPool } from "./random-pool.ts"

const FREE = 0
const TAKEN = 1
/** Taken, and relayed from. */
const LIVE = 2

/**
 * The relay ports of one address family, in memory that several servers may share. Each is free or in use; a search for a
 * free one begins at random (RFC 8656 §7.2; RFC 6056 §3.3.1) and looks at each port once at most.
 */
export class PortPool {
  readonly first: number
  readonly total: number
  /** By port number. */
  readonly #ports: Uint8Array

  constructor(first: number, last: number, ports: Uint8Array) {
    if (!Number.isInteger(first) || !Number.isInteger(last) || first < 1 || last > 65_535 || first > last) {
      throw new RangeError(`relay ports: ${first}–${last} is no range of ports`)
    }
    this.first = first
    this.total = last - first + 1
    this.#ports = ports
  }

  get free(): number {
    return this.total - this.used
  }

  /** Looks at every port. */
  get used(): number {
    let used = 0
    for (let port = this.first; port < this.first + this.total; port++) if (!this.isFree(port)) used++
    return used
  }

  contains(port: number): boolean {
    return port >= this.first && port < this.first + this.total
  }

  isFree(port: number): boolean {
    return this.contains(port) && Atomics.load(this.#ports, port) === FREE
  }

  /** Whether somebody relays from the port now: this server, or another that shares the memory. */
  isLive(port: number): boolean {
    return this.contains(port) && Atomics.load(this.#ports, port) === LIVE
  }

  /** A free port, now in use; `undefined` when there is none. */
  take(random: RandomPool): number | undefined {
    const start = random.below(this.total)
    for (let i = 0; i < this.total; i++) {
      const port = this.first + ((start + i) % this.total)
      if (this.#tryClaim(port)) return port
    }
    return undefined
  }

  /**
   * An even port, now in use; with `next` the odd one behind it too (RFC 8656 §7.2). `undefined` when there
   * is none.
   */
  takeEven(random: RandomPool, next: boolean): number | undefined {
    const start = random.below(this.total)
    for (let i = 0; i < this.total; i++) {
      const port = this.first + ((start + i) % this.total)
      if (port % 2 === 1 || !this.#tryClaim(port)) continue
      if (!next || this.#tryClaim(port + 1)) return port
      this.release(port)
    }
    return undefined
  }

  /** Takes one certain port, which must be free. */
  claim(port: number): void {
    if (!this.#tryClaim(port)) throw new RangeError(`claim(${port}): this port is not free`)
  }

  /** Says that a port, which is in use, is relayed from. */
  enliven(port: number): void {
    Atomics.store(this.#ports, port, LIVE)
  }

  /** Gives back a port, which must be in use. */
  release(port: number): void {
    if (!this.contains(port) || Atomics.exchange(this.#ports, port, FREE) === FREE)
      throw new RangeError(`release(${port}): this port is not in use`)
  }

  #tryClaim(port: number): boolean {
    return this.contains(port) && Atomics.compareExchange(this.#ports, port, FREE, TAKEN) === FREE
  }
}
