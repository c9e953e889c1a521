export { announcedAddress } from "./announced.ts"
export { type IceServers, Relay, type RelayCounters, type RelayOptions } from "./relay.ts"
