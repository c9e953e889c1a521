import type {
  LocalPublicationView,
  Publication,
  RemoteParticipant,
  RoomSnapshot,
  RoomState,
  Source,
} from "@tightbeam/client"

/** What the pages ask of a room: the SDK's `Room`, or a made-up one in the gallery. */
export interface RoomApi {
  join(room: string, options: { name: string; signal?: AbortSignal }): Promise<void>
  publish(
    what: "camera" | "microphone" | "screen" | MediaStreamTrack,
    options?: { deviceId?: string; source?: Source; muted?: boolean },
  ): Promise<PublicationApi>
  send(topic: string, data: unknown, options?: { to?: string; reliable?: boolean }): Promise<void>
  snapshot(): RoomSnapshot
  subscribe(callback: () => void): () => void
  on<K extends keyof RoomEvents>(event: K, listener: (event: RoomEvents[K]) => void): () => void
  retryNow(): void
  leave(): Promise<void>
}

/** Makes the room that a link asks for. */
export type OpenRoom = (options: {
  readonly room: string
  readonly relayOnly: boolean
  readonly token: string | undefined
}) => RoomApi

export interface PublicationApi extends LocalPublicationView {
  mute(): Promise<void>
  unmute(): Promise<void>
  switch(deviceId: string): Promise<void>
  unpublish(): Promise<void>
}

export interface RoomEvents {
  participant: { readonly participant: RemoteParticipant; readonly change: "joined" | "updated" | "left" }
  state: RoomState
  message: { readonly topic: string; readonly data: unknown; readonly from: string }
  publication: {
    readonly publication: PublicationApi
    readonly change: "published" | "updated" | "unpublished"
  }
}

export const isMuted = (publication: Publication | undefined): boolean => publication?.muted ?? true
