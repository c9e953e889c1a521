import type { Address } from "../bytes/index.ts"
import type { TurnEvidence } from "../contract/index.ts"
import type { AllocationUsage } from "./usage.ts"

/** `username` as received: opaque bytes. `freed` says what the allocation has cost in all. */
export type TurnEvent =
  | {
      readonly type: "allocated"
      readonly allocation: number
      readonly username: Uint8Array
      readonly client: Address
      readonly relayed: Address
    }
  | ({ readonly type: "freed"; readonly reason: FreedReason } & AllocationUsage)

export type FreedReason = Extract<TurnEvidence, { kind: "freed" }>["reason"]
