import type { Evidence } from "@tightbeam/webrtc/contract"
import type { ListenError } from "@tightbeam/webrtc/net"
import type { AllocationUsage, AlternateServers, TurnEvent } from "@tightbeam/webrtc/turn"
import type { CostOver } from "./cost.ts"
import type { ListenAt } from "./listeners.ts"
import type { ShardCounters, ShardSettings } from "./shard.ts"

/** What a thread is made with. */
export interface ThreadData {
  readonly settings: ShardSettings
}

/** What it is told. */
export type Command =
  | { readonly type: "revoke"; readonly user: string; readonly until: number }
  | { readonly type: "drain"; readonly alternates: AlternateServers }
  | { readonly type: "read"; readonly what: keyof Readings; readonly id: number }
  | { readonly type: "close" }

/** What it can be asked for. */
export interface Readings {
  readonly counters: ShardCounters
  readonly usage: readonly AllocationUsage[]
  readonly total: CostOver
}

/** What it says. */
export type Report =
  | { readonly type: "started"; readonly listen: ListenAt; readonly signalFd: number }
  | {
      readonly type: "not-started"
      readonly message: string
      /** What could not be had, where that is why. */
      readonly refused: Pick<ListenError, "code" | "local"> | undefined
    }
  | { readonly type: "told"; readonly news: readonly News[] }
  | { readonly type: "reading"; readonly id: number; readonly reading: Readings[keyof Readings] }
  | { readonly type: "empty" }

export type News =
  | { readonly event: TurnEvent; readonly now: number }
  | { readonly evidence: Evidence; readonly now: number }
  | { readonly fault: string; readonly during: string }
