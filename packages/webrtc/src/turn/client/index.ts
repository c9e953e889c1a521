export { TurnClient } from "./client.ts"
export type { TurnClientCounters } from "./data.ts"
export type { Failure, FailureReason, TurnClientEvent } from "./events.ts"
export {
  DEFAULT_CLIENT_LIMITS,
  type OnData,
  type TurnClientLimits,
  type TurnClientOptions,
} from "./options.ts"
