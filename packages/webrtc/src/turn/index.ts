export type { AlternateServer, AlternateServers } from "./alternate-server.ts"
export {
  DEFAULT_CLIENT_LIMITS,
  type Failure,
  type FailureReason,
  type OnData,
  TurnClient,
  type TurnClientCounters,
  type TurnClientEvent,
  type TurnClientLimits,
  type TurnClientOptions,
} from "./client/index.ts"
export { COMMON_LENGTH, Common } from "./common.ts"
export type { DropReason, TurnCounters } from "./counters.ts"
export {
  type CredentialsRequest,
  type TimeLimitedCredentials,
  timeLimitedCredentials,
} from "./credentials.ts"
export type { TurnEvent } from "./event.ts"
export {
  DEFAULT_LIMITS,
  DEFAULT_REALM,
  DEFAULT_RELAY_PORTS,
  type PortRange,
  type Siblings,
  type TurnLimits,
  type TurnServerOptions,
} from "./options.ts"
export { type PeerPolicyOptions, parsePeerRange } from "./peer-policy.ts"
export type { Listener, SecondAddress } from "./second-address.ts"
export { TurnServer } from "./server.ts"
export { turnFraming } from "./stream-framing.ts"
export type { AllocationUsage } from "./usage.ts"
