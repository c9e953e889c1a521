export { type Clock, type Transport, type TransportHandlers } from "./environment.ts"
export { TightbeamError, type TightbeamErrorCode } from "./errors.ts"
export * from "./messages.ts"
export { Session, type SessionEvents, type SessionOptions, type View } from "./session.ts"
export type {
  LocalPublicationView,
  RemoteParticipant,
  RemotePublication,
  RoomSnapshot,
  RoomState,
} from "./snapshot.ts"
export * from "./timeline.ts"
