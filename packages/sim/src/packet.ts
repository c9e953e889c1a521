import type { Endpoint } from "./endpoints.ts"
import type { Segment } from "./segment.ts"

export type Protocol = "udp" | "tcp"

/** One IP packet under way. The network owns it: a NAT rewrites its addresses in place. */
export interface Packet {
  /** Kept on every hop; a copy made by duplication has the number of what it was copied from. */
  readonly id: number
  readonly protocol: Protocol
  from: Endpoint
  to: Endpoint
  /** Never written to. */
  readonly payload: Uint8Array
  readonly segment: Segment | undefined
  /** Of the IP packet with its headers, bytes. */
  readonly size: number
  /** It waited on the clock at least once, so it may be delivered without a call within a call. */
  waited: boolean
}

/** Why a packet went no further. */
export type Drop =
  | "loss"
  | "queue full"
  | "too big"
  | "link down"
  | "no route"
  | "no listener"
  | "no such source"
  | "no mapping"
  | "filtered"
  | "policy"
  | "no hairpinning"
  | "out of ports"

/** What somebody who watches a run sees of a packet. */
export interface Sighting {
  /** ms since the run began. */
  readonly at: number
  /** The host, NAT or firewall that saw it. */
  readonly where: string
  readonly what: "sent" | "forwarded" | "received" | "dropped"
  readonly why: Drop | undefined
  /** Valid during the call: its addresses change on its way. */
  readonly packet: Readonly<Packet>
}

const HEADERS = { udp: 8, tcp: 20 } as const

export function sizeOf(protocol: Protocol, family: 4 | 6, payload: number): number {
  return (family === 4 ? 20 : 40) + HEADERS[protocol] + payload
}
