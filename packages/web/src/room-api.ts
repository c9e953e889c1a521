import type { RoomEvents as AllRoomEvents, LocalPublication, Publication, Room } from "@tightbeam/client"

/** What the pages ask of a room: the SDK's `Room`, or a made-up one in the gallery. */
export interface RoomApi
  extends Pick<
    Room,
    | "join"
    | "send"
    | "snapshot"
    | "subscribe"
    | "retryNow"
    | "reconnect"
    | "connection"
    | "leave"
    | "raiseHand"
    | "lock"
    | "admit"
    | "deny"
    | "kick"
  > {
  publish(...asked: Parameters<Room["publish"]>): Promise<PublicationApi>
  on<K extends keyof RoomEvents>(event: K, listener: (event: RoomEvents[K]) => void): () => void
}

/** Makes the room that a link asks for. */
export type OpenRoom = (options: {
  readonly room: string
  readonly relayOnly: boolean
  readonly token: string | undefined
}) => RoomApi

export type PublicationApi = Pick<
  LocalPublication,
  "id" | "kind" | "source" | "muted" | "track" | "mute" | "unmute" | "switch" | "unpublish"
>

export type RoomEvents = Pick<AllRoomEvents, "participant" | "state" | "error" | "message" | "returned"> & {
  publication: Omit<AllRoomEvents["publication"], "publication"> & { readonly publication: PublicationApi }
}

export const isMuted = (publication: Publication | undefined): boolean => publication?.muted ?? true
