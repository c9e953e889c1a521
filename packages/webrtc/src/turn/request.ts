import {
  AddressFamily,
  AddressSlot,
  Attribute,
  readXorAddress,
  type StunMessage,
  type StunWriter,
} from "../stun/index.ts"
import type { Allocation } from "./allocation.ts"
import type { AllocationTable } from "./allocation-table.ts"
import type { Authenticated } from "./authentication.ts"
import type { Tickets } from "./mobility.ts"
import type { TurnLimits } from "./options.ts"
import type { PeerConnections } from "./peer-connections.ts"
import type { PeerPolicy } from "./peer-policy.ts"
import type { ReplyTo, Responder } from "./responder.ts"

/** A request that proved to be its user's. The message is good only during the call. */
export interface Request {
  readonly message: StunMessage
  readonly from: Authenticated
  readonly to: ReplyTo
}

/** Why a request is answered with an error instead (RFC 8489 §14.8, RFC 8656 §19). */
export interface Refusal {
  readonly code: number
  readonly why: string
  /** What else the response says. */
  readonly attributes?: (writer: StunWriter) => void
}

/** What the handlers of the methods share. */
export interface Context {
  readonly table: AllocationTable
  /** Where peers may be reached over TCP (RFC 6062). */
  readonly tcpPeers: boolean
  readonly connections: PeerConnections
  readonly policy: PeerPolicy
  readonly responder: Responder
  readonly limits: TurnLimits
  /** Where allocations may move (RFC 8016). */
  readonly tickets: Tickets | undefined
  /** The highest channel number. */
  readonly lastChannel: number
}

export function refusal(code: number, why: string, attributes?: Refusal["attributes"]): Refusal {
  return attributes === undefined ? { code, why } : { code, why, attributes }
}

/** RFC 8656 §18.6: the family that an attribute names; 0 when it is absent, undefined when it is unreadable. */
export function familyIn(message: StunMessage, attribute: number): 4 | 6 | 0 | undefined {
  if (!message.has(attribute)) return 0
  const value = message.uint32(attribute)
  if (value < 0) return undefined
  const family = Math.floor(value / 0x1000000)
  if (family === AddressFamily.ipv4) return 4
  return family === AddressFamily.ipv6 ? 6 : undefined
}

/**
 * RFC 8656 §7.2, §8.2: what the client asks for, at most the maximum, at least the default; absent is the
 * default. `undefined` when LIFETIME is unreadable. Seconds.
 */
export function desiredLifetime(message: StunMessage, limits: TurnLimits): number | undefined {
  if (!message.has(Attribute.lifetime)) return limits.defaultLifetime
  const asked = message.uint32(Attribute.lifetime)
  if (asked < 0) return undefined
  return Math.max(limits.defaultLifetime, Math.min(asked, limits.maxLifetime))
}

/** The peer that a request names, not judged yet, and which of a client's allocations relays to it. */
export function namedPeer(
  message: StunMessage,
  index: number,
  allocation: Allocation,
): { peer: AddressSlot; owner: Allocation } | Refusal {
  const peer = new AddressSlot()
  if (!readXorAddress(message, index, peer)) return refusal(400, "unreadable XOR-PEER-ADDRESS")
  const owner = allocation.towards(peer.ip)
  if (owner === undefined) return refusal(443, "the peer's address family is not the allocation's")
  return { peer, owner }
}

export const forbiddenPeer = (): Refusal => refusal(403, "peer denied by policy")
