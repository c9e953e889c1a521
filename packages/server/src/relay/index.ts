export { announcedAddress } from "./announced.ts"
export { type IceServers, Relay, type RelayCounters } from "./relay.ts"
