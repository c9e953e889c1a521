export type { Clock, Transport, TransportHandlers } from "./environment.ts"
export { TightbeamError, type TightbeamErrorCode } from "./errors.ts"
export type { LocalPublication } from "./local-publication.ts"
export * from "./messages.ts"
export { DEFAULT_OUTBOX_LIMITS, Inbox, type Numbering, Outbox, type OutboxLimits } from "./numbering.ts"
export { type PublishOptions, Room, type RoomEvents, type RoomOptions } from "./room.ts"
export { Session, type SessionEvents, type SessionOptions, type View } from "./session.ts"
export type {
  LocalPublicationView,
  RemoteParticipant,
  RemotePublication,
  RoomSnapshot,
  RoomState,
} from "./snapshot.ts"
export * from "./timeline.ts"
