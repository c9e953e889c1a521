export { IceAgent } from "./agent.ts"
export { type Candidate, type CandidateType, candidatePriority, type TcpType } from "./candidate.ts"
export { type CandidateFault, formatCandidate, parseCandidate } from "./candidate-attribute.ts"
export type { IceCredentials, RemoteDescription, Ufrags } from "./credentials.ts"
export type { IceEvent, IceOut, IceState } from "./events.ts"
export {
  DEFAULT_LIMITS,
  type IceAgentOptions,
  type IceLimits,
  type IceRole,
  type IceServer,
} from "./options.ts"
export type { RtoOptions } from "./round-trip.ts"
export { SharedPort, type SharedPortEvent, type Sharing } from "./shared-port.ts"
