/** Frees what nobody closed, as the last who knew of it is gone. */
const forgotten = new FinalizationRegistry<() => void>(free => free())

/** A context of OpenSSL, which holds a key. */
export class Context {
  /** 0 when it was closed. */
  #address: number
  readonly #free: (address: number) => void

  constructor(address: number, free: (address: number) => void) {
    if (address === 0) throw new Error("OpenSSL has no memory for a context")
    this.#address = address
    this.#free = free
    forgotten.register(this, () => free(address), this)
  }

  /** Throws where it was closed: what is there now is somebody else's. */
  get address(): number {
    if (this.#address === 0) throw new Error("a cipher was used after it was closed")
    return this.#address
  }

  close(): void {
    if (this.#address === 0) return
    forgotten.unregister(this)
    this.#free(this.#address)
    this.#address = 0
  }
}

/**
 * Throws a RangeError where they, and `behind` bytes more, are not within the array: OpenSSL would read and write what lies
 * there.
 */
export function demandWithin(bytes: Uint8Array, at: number, length: number, behind = 0): void {
  if (!(at >= 0 && length >= 0 && at + length + behind <= bytes.length))
    throw new RangeError(`${length} bytes at ${at}, and ${behind}, are not within ${bytes.length}`)
}

/** Throws where OpenSSL did not do what it always can: what would follow is worse. */
export function demandDone(done: boolean, what: string): void {
  if (!done) throw new Error(`OpenSSL: ${what} failed`)
}
