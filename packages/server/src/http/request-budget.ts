import type { IncomingMessage } from "node:http"
import { AddressTable, TokenBucket } from "../limits/index.ts"
import { clientAddress } from "./client-address.ts"
import { HttpError } from "./http-error.ts"

/** HTTP requests of one address (IPv6: of one /64). */
export interface RequestLimits {
  /** A second, for long. */
  readonly perSecond: number
  /** At once, above that. */
  readonly burst: number
  /** Addresses that are remembered; beyond it the one unseen for longest is forgotten. */
  readonly addresses: number
}

export const DEFAULT_REQUEST_LIMITS: RequestLimits = { perSecond: 200, burst: 5_000, addresses: 100_000 }

/** How many requests each address may still make. */
export class RequestBudget {
  readonly #buckets: AddressTable<TokenBucket>
  readonly #trustProxy: boolean

  constructor({ perSecond, burst, addresses }: RequestLimits, trustProxy: boolean) {
    this.#buckets = new AddressTable(addresses, now => new TokenBucket(perSecond, burst, now))
    this.#trustProxy = trustProxy
  }

  /** Takes one request; throws `HttpError` 429 where there is none left (RFC 6585 §4). */
  take(request: IncomingMessage): void {
    const now = performance.now()
    const bucket = this.#buckets.of(clientAddress(request, this.#trustProxy).ip, now)
    if (bucket.take(now)) return
    throw new HttpError(
      429,
      "too-many",
      "Too many requests came from your network in a short time.",
      "Wait a moment, then try again. Where many share one address, raise `limits` on the server.",
      { "retry-after": String(Math.ceil(bucket.wait)) },
    )
  }
}
