export { type Datagram, HEADROOM, TAILROOM } from "./datagram.ts"
export { Deadlines, type Due } from "./deadlines.ts"
export {
  EVIDENCE_VERSION,
  type Evidence,
  type IceEvidence,
  type SignalingEvidence,
  type TurnEvidence,
} from "./evidence.ts"
export type { Flow } from "./flow.ts"
export type { Framing } from "./framing.ts"
export { BorrowedOut, InnerOut } from "./inner-out.ts"
export type { Machine, Out } from "./machine.ts"
export { NO_PATH, type Path, type Paths, PathTable, type Socket, type Transport } from "./path.ts"
export type { Reply, Request, SocketFailure } from "./request.ts"
