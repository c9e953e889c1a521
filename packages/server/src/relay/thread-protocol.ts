import type { Evidence } from "@tightbeam/webrtc/contract"
import type { AllocationUsage, AlternateServers, TurnEvent } from "@tightbeam/webrtc/turn"
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
}

/** What it says. */
export type Report =
  | { readonly type: "started"; readonly port: number; readonly signalFd: number }
  | { readonly type: "not-started"; readonly code: string | undefined; readonly message: string }
  | { readonly type: "told"; readonly news: readonly News[] }
  | { readonly type: "reading"; readonly id: number; readonly reading: Readings[keyof Readings] }
  | { readonly type: "empty" }
  | { readonly type: "closed" }

export type News =
  | { readonly event: TurnEvent; readonly now: number }
  | { readonly evidence: Evidence; readonly now: number }
  | { readonly fault: string; readonly during: string }
