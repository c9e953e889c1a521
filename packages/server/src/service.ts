import type { IncomingMessage } from "node:http"
import type { Address } from "@tightbeam/webrtc/bytes"
import type { Evidence } from "@tightbeam/webrtc/contract"
import type { Config } from "./config/index.ts"
import type { Routes } from "./http/index.ts"
import type { Log } from "./log/index.ts"
import type { IceServers } from "./relay/index.ts"

/** What the process offers to what runs in it. */
export interface App {
  readonly config: Config
  readonly log: Log
  /** Add routes and upgrades here. */
  readonly routes: Routes
  /** What join tokens are signed with. */
  readonly accessSecret: Uint8Array
  /** Fresh ICE servers for a participant; none where TURN is disabled. */
  readonly iceServers: (room: string, participant: string) => IceServers
  /** A participant is gone: nothing is relayed for them any more. */
  readonly revokeIceServers: (room: string, participant: string) => void
  /** Where a request came from, as far as the proxy may be trusted. */
  readonly clientAddress: (request: IncomingMessage) => Address
  readonly onEvidence: (evidence: Evidence) => void
}

/** Something that runs in the process, started with it and drained before its end. */
export interface Service {
  readonly name: string
  /** Called before the first connection can come. */
  start(app: App): void
  /** The process is going down: tell the clients. Resolves when the last call is over. */
  drain(): Promise<void>
  close(): void
}
