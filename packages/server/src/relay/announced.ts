import { isIP } from "node:net"
import { globalIpv6, ownAddresses, primaryIpv4 } from "@tightbeam/webrtc/net"
import type { Config } from "../config/index.ts"
import { isLoopback, isUnspecified } from "../listening-address.ts"

/**
 * The address that clients are told to reach the relay by: the configured one, the one it listens on
 * where that is a particular one, this machine's on the local network, or, alone in the world, loopback.
 */
export function announcedAddress(turn: Config["turn"], lan: string | undefined = primaryIpv4()): string {
  return turn.announce ?? (isUnspecified(turn.address) ? (lan ?? "127.0.0.1") : turn.address)
}

/**
 * The IPv6 address that is relayed from beside that: the configured one, or a global one of this machine where it
 * listens on all. `undefined` where there is none, or the other one is IPv6 already.
 */
export function announcedV6(
  turn: Config["turn"],
  global: string | undefined = globalIpv6(),
): string | undefined {
  if (turn.announceV6 !== undefined) return turn.announceV6
  return isUnspecified(turn.address) && isIP(turn.announce ?? "") !== 6 ? global : undefined
}

/**
 * Where relay sockets are bound, by address family. Who narrows the listening address means the relayed ones of its
 * family too; of the other family, it is the announced address where this machine has it.
 */
export function relayBindAddresses(
  { address }: Config["turn"],
  announced: string | undefined,
): { readonly 4?: string; readonly 6?: string } {
  if (isUnspecified(address)) return {}
  if (isIP(address) === 6) return { 6: address }
  return announced !== undefined && ownAddresses().includes(announced)
    ? { 4: address, 6: announced }
    : { 4: address }
}

/** Whether who reaches the announced address reaches a TCP listener too: not where only a proxy on this machine does. */
export function isReachedOverTcp(listener: string, announced: string): boolean {
  return !isLoopback(listener) || isLoopback(announced)
}
