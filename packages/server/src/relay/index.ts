export { announcedAddress, isReachedOverTcp } from "./announced.ts"
export { type IceServers, Relay, type RelayCounters } from "./relay.ts"
export { offersTls, tlsHost } from "./tls-host.ts"
