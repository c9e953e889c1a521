import type { TightbeamError } from "./errors.ts"
import type { Lobby, Participant, Publication, Source } from "./messages.ts"
import type { Timeline } from "./timeline.ts"

export interface RoomState {
  /**
   * `idle` before `join` and after `leave`; `waiting` until a host lets us in; `closed` with its reason until the next
   * `join`, also after `leave`.
   */
  readonly status: "idle" | "connecting" | "waiting" | "connected" | "reconnecting" | "closed"
  /** While reconnecting: ms on performance.now() at which the next try is due. */
  readonly retryAt?: number
  /** Why it is closed or reconnecting. */
  readonly reason?: TightbeamError
}

/** A publication of somebody else, and its track once one has arrived. */
export interface RemotePublication extends Publication {
  readonly participant: string
  readonly track: MediaStreamTrack | undefined
}

export interface RemoteParticipant {
  readonly id: string
  readonly name: string
  /** Their socket is gone and the server still waits for them. */
  readonly away: boolean
  readonly host: boolean
  /** Hands that went up earlier have smaller numbers; `null` while it is down. */
  readonly hand: number | null
  readonly publications: readonly RemotePublication[]
  /** The connection to them, phase by phase. */
  readonly timeline: Timeline
}

export interface LocalPublicationView {
  readonly id: string
  readonly kind: "audio" | "video"
  readonly source: Source
  readonly muted: boolean
  readonly track: MediaStreamTrack
}

/** All of a room at one moment. Immutable; the same object until something changes. */
export interface RoomSnapshot {
  readonly state: RoomState
  readonly room: string
  readonly self: Pick<Participant, "id" | "name" | "host" | "hand"> | undefined
  /** Who waits to be let in; `undefined` for who is no host. */
  readonly lobby: Lobby | undefined
  readonly publications: readonly LocalPublicationView[]
  /** In the order they joined. */
  readonly participants: readonly RemoteParticipant[]
  /** How the room itself was reached: socket, token, join. Rests when `done`. */
  readonly signaling: { readonly startedAt: number | undefined; readonly endedAt: number | undefined }
}
