export {
  EXHAUSTED,
  EXPOSED,
  FORGED,
  faultName,
  MALFORMED,
  REPLAYED,
  type SrtpFault,
  TOO_MANY_STREAMS,
} from "./fault.ts"
export { DEFAULT_LIMITS, type SrtpLimits } from "./limits.ts"
export { SrtpReceiver, type SrtpReceiverOptions } from "./receiver.ts"
export { SrtpSender, type SrtpSenderOptions } from "./sender.ts"
