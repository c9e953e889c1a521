import { AddressTable } from "./address-table.ts"
import { TokenBucket } from "./token-bucket.ts"

/** How often an address (IPv6: a /64) may do something. */
export interface AddressRate {
  /** For long. */
  readonly perSecond: number
  /** At once, above that. */
  readonly burst: number
  /** Addresses that are remembered; beyond it the one unseen for longest is forgotten. */
  readonly addresses: number
}

/** A bucket for each address. */
export class AddressBuckets {
  readonly #buckets: AddressTable<TokenBucket>

  constructor({ perSecond, burst, addresses }: AddressRate) {
    this.#buckets = new AddressTable(addresses, now => new TokenBucket(perSecond, burst, now))
  }

  /** Takes one. Returns 0, or where there is none left, the seconds until there is. `now` in ms. */
  take(ip: Uint8Array, now: number): number {
    const bucket = this.#buckets.of(ip, now)
    return bucket.take(now) ? 0 : bucket.wait
  }
}
