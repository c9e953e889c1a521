import { addressGroup } from "../bytes/index.ts"
import { ByteBucket } from "./byte-bucket.ts"

export interface SourceBudgetOptions {
  /** Bytes that a source is sent for long. */
  readonly bytesPerSecond: number
  /** Bytes that it is sent at once, above that. */
  readonly burst: number
  /** Sources that are remembered; beyond it the one unseen for longest is forgotten. */
  readonly sources: number
}

/**
 * What may be sent to those who have not proved who they are, by where they say they are: an IPv4 address, an IPv6 /64,
 * whatever the port. A server that answers everybody is a way to send to somebody else; past the budget it is silent.
 */
export class SourceBudget {
  readonly #options: SourceBudgetOptions
  /** The one unseen for longest first. */
  readonly #sources = new Map<string, ByteBucket>()

  constructor(options: SourceBudgetOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#sources.size
  }

  /** What the source of an address may still be sent. */
  of(ip: Uint8Array): ByteBucket {
    const { bytesPerSecond, burst, sources } = this.#options
    const name = addressGroup(ip)
    const source = this.#sources.get(name) ?? new ByteBucket(bytesPerSecond, burst)
    this.#sources.delete(name)
    this.#sources.set(name, source)
    if (this.#sources.size > sources) this.#sources.delete(this.#sources.keys().next().value!)
    return source
  }
}
