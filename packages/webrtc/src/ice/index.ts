export { IceAgent } from "./agent.ts"
export { type Candidate, type CandidateType, candidatePriority, type TcpType } from "./candidate.ts"
export { type CandidateFault, formatCandidate, parseCandidate } from "./candidate-attribute.ts"
export type { IceCredentials, RemoteDescription } from "./credentials.ts"
export type { IceEvent, IceState } from "./events.ts"
export {
  DEFAULT_LIMITS,
  type IceAgentOptions,
  type IceLimits,
  type IceRole,
  type IceServer,
} from "./options.ts"
export type { RtoOptions } from "./round-trip.ts"
export { SharedPort, type SharedPortEvent } from "./shared-port.ts"
