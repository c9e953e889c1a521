import type { ErrorCode } from "@tightbeam/client"
import type { Path } from "@tightbeam/webrtc/contract"
import type { RoomEvent } from "./room.ts"

/** What a verified token allows. */
export interface Grants {
  /** Whether its bearer may publish audio and video. */
  readonly publish: boolean
  /** Whether its bearer is a host: may lock the room, let in who waits, and send somebody out. */
  readonly host: boolean
}

export type RoomsRequest =
  /** Verify a token for a room. Answered by `authorized` or `refused` with the same `attempt`. */
  | { readonly type: "authorize"; readonly attempt: number; readonly token: string; readonly room: string }
  /** Hear, and stop hearing, a room's events from the bus: each comes as `delivered`. */
  | { readonly type: "subscribe"; readonly room: string }
  | { readonly type: "unsubscribe"; readonly room: string }
  | { readonly type: "publish"; readonly room: string; readonly event: RoomEvent }
  /** Close a connection after what was sent on it. */
  | { readonly type: "close"; readonly path: Path; readonly code: ErrorCode | "left" | "idle" }

/** What a token is worth for the room that it was shown for. */
export type Verdict =
  | {
      readonly type: "authorized"
      readonly grants: Grants
      /** The token's `jti`. */
      readonly tokenId: string
      /** ms until the token expires. */
      readonly remaining: number
    }
  | { readonly type: "refused"; readonly code: "token-invalid" | "token-expired" | "token-foreign" }

export type RoomsReply =
  | (Verdict & { readonly attempt: number })
  | { readonly type: "delivered"; readonly room: string; readonly event: RoomEvent }
