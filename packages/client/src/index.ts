export { TightbeamError, type TightbeamErrorCode } from "./errors.ts"
export * from "./messages.ts"
export type {
  LocalPublicationView,
  RemoteParticipant,
  RemotePublication,
  RoomSnapshot,
  RoomState,
} from "./snapshot.ts"
export * from "./timeline.ts"
