export { type ChosenIo, chooseIo } from "./choose-io.ts"
export { monotonicNow } from "./clock.ts"
export { DgramIo } from "./dgram-io.ts"
export { type Activity, Driver, type DriverOptions, ListenError, type Listening } from "./driver.ts"
export { EventLoop, type EventLoopOptions } from "./event-loop.ts"
export { FrameSplitter, type TakeFrame } from "./frame-splitter.ts"
export {
  gatherableIps,
  globalIpv6,
  type Interfaces,
  ownAddresses,
  primaryIpv4,
  type WatchOptions,
  watchGatherableIps,
} from "./interfaces.ts"
export { addressFrom } from "./ip-text.ts"
export { DEFAULT_STREAM_LIMITS, type StreamCounters, type StreamLimits } from "./stream-io.ts"
export {
  DEFAULT_TCP_LIMITS,
  type TcpCounters,
  type TcpLimits,
  TcpPort,
  type TcpPortOptions,
  type TcpProtocol,
} from "./tcp-port.ts"
export type { Batch, Bound, CreateUdpIo, UdpCounters, UdpIo, UdpOptions } from "./udp-io.ts"
