import { addressGroup } from "../bytes/index.ts"

export interface SourceBudgetOptions {
  /** Bytes that a source is sent for long. */
  readonly bytesPerSecond: number
  /** Bytes that it is sent at once, above that. */
  readonly burst: number
  /** Sources that are remembered; beyond it the one unseen for longest is forgotten. */
  readonly sources: number
}

/** What a source may still be sent. The last answer may overdraw it: what is owed is paid back before the next. */
export interface Source {
  /** Bytes. */
  left: number
  /** When it was last filled, in ms. */
  at: number
}

/**
 * What may be sent to those who have not proved who they are, by where they say they are: an IPv4 address, an IPv6 /64,
 * whatever the port. A server that answers everybody is a way to send to somebody else; past the budget it is silent.
 */
export class SourceBudget {
  readonly #options: SourceBudgetOptions
  /** The one unseen for longest first. */
  readonly #sources = new Map<string, Source>()

  constructor(options: SourceBudgetOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#sources.size
  }

  /** The source of an address, filled up to now. `now` in ms. */
  of(ip: Uint8Array, now: number): Source {
    const { bytesPerSecond, burst, sources } = this.#options
    const name = addressGroup(ip)
    const source = this.#sources.get(name) ?? { left: burst, at: now }
    source.left = Math.min(burst, source.left + ((now - source.at) / 1000) * bytesPerSecond)
    source.at = now
    this.#sources.delete(name)
    this.#sources.set(name, source)
    if (this.#sources.size > sources) this.#sources.delete(this.#sources.keys().next().value!)
    return source
  }
}
