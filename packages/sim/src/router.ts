import type { Ip } from "./endpoints.ts"
import type { Drop, Packet } from "./packet.ts"

/** What a router does with a packet: `turns back` is hairpinning (RFC 4787 §6). */
export type Fate = "passes" | "turns back" | Drop

/** What stands between a network and the one that it is in. It rewrites addresses in place. */
export interface Router {
  /** Its own, in the network outside. */
  readonly addresses: readonly Ip[]
  outbound(packet: Packet, now: number): Fate
  inbound(packet: Packet, now: number): Fate
  /** Loses all that it knows. */
  reboot(): void
}
