import { primaryIpv4 } from "@tightbeam/webrtc/net"
import type { Config } from "../config/index.ts"
import { isLoopback, isUnspecified } from "../listening-address.ts"

/**
 * The address that clients are told to reach the relay by: the configured one, the one it listens on
 * where that is a particular one, this machine's on the local network, or, alone in the world, loopback.
 */
export function announcedAddress(turn: Config["turn"], lan: string | undefined = primaryIpv4()): string {
  return turn.announce ?? (isUnspecified(turn.address) ? (lan ?? "127.0.0.1") : turn.address)
}

/** Whether who reaches the announced address reaches a TCP listener too: not where only a proxy on this machine does. */
export function isReachedOverTcp(listener: string, announced: string): boolean {
  return !isLoopback(listener) || isLoopback(announced)
}
