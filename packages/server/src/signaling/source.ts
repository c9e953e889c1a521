import { AddressTable, TokenBucket } from "../limits/index.ts"
import type { SignalingLimits } from "./limits.ts"

/** What an address may do, whatever connections it has and had. */
export interface Source {
  connections: number
  readonly joins: TokenBucket
  readonly messages: TokenBucket
}

export function sources(limits: SignalingLimits): AddressTable<Source> {
  return new AddressTable(limits.addresses, now => ({
    connections: 0,
    joins: new TokenBucket(limits.addressJoinsPerSecond, limits.addressJoinBurst, now),
    messages: new TokenBucket(limits.addressMessagesPerSecond, limits.addressMessageBurst, now),
  }))
}
