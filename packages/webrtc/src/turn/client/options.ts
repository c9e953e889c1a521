import type { Address } from "../../bytes/index.ts"
import type { Datagram, Out } from "../../contract/index.ts"
import type { Crypto } from "../../crypto/index.ts"
import { MAX_USERNAME_LENGTH, type TransactionOptions } from "../../stun/index.ts"
import type { TurnClientEvent } from "./events.ts"

/** RFC 8656 §18.9: eight bytes that the server made up. */
const RESERVATION_TOKEN_LENGTH = 8

/**
 * Takes what a peer sent. `d.offset` and `d.length` are those of the peer's data, in place; `d.path` is still
 * the server's. All of it, `peer` too, is valid during the call only.
 */
export type OnData = (d: Datagram, peer: Address, now: number, out: Out<TurnClientEvent>) => void

export interface TurnClientOptions extends TransactionOptions {
  readonly crypto: Crypto
  /** As UTF-8 at most 508 bytes, and already prepared by the OpaqueString profile (RFC 8265), as is the password. */
  readonly username: string
  readonly password: string
  readonly onData: OnData
  /**
   * What to be relayed from (RFC 8656 §7.1): "v4" asks for nothing, so that servers from before RFC 6156
   * answer too. "both" is one Allocate with ADDITIONAL-ADDRESS-FAMILY. Default "v4".
   */
  readonly families?: "v4" | "v6" | "both"
  /** The lifetime to ask for, in seconds; the server decides. Default: what the server wants. */
  readonly lifetime?: number
  /** EVEN-PORT (RFC 8656 §18.7): an even port, and perhaps the next one kept for who has the token. */
  readonly evenPort?: "even" | "reserve-next"
  /** RESERVATION-TOKEN: the port that another allocation's `reserve-next` kept. 8 bytes. */
  readonly reservationToken?: Uint8Array
  /**
   * What a 437 to the first Allocate means. "strange": the address was somebody's before, and the owner takes another one
   * (RFC 8656 §7.4). "forgotten": nobody but this user has had it, so the answers to an Allocate were lost and what the
   * server has is ours: it is freed and asked for anew, once. Default "strange".
   */
  readonly mismatch?: "strange" | "forgotten"
  readonly limits?: Partial<TurnClientLimits>
}

export interface TurnClientLimits {
  /** Peer addresses with a permission. Beyond it `permit` is refused. */
  readonly permissions: number
  /** Peers with a channel, with the numbers that are not yet free for another peer. */
  readonly channels: number
  /** Requests under way at one time (RFC 8489 §6.2); others wait their turn, but for a Refresh. */
  readonly requests: number
  /** Servers that ALTERNATE-SERVER may lead to within five minutes. */
  readonly alternates: number
}

export const DEFAULT_CLIENT_LIMITS: TurnClientLimits = {
  permissions: 128,
  channels: 128,
  requests: 10,
  alternates: 8,
}

/** Completes limits with the defaults. Throws a RangeError that names the one that makes no sense. */
export function withDefaultClientLimits(limits: Partial<TurnClientLimits> = {}): TurnClientLimits {
  const complete = { ...DEFAULT_CLIENT_LIMITS, ...limits }
  for (const [name, value] of Object.entries(complete)) {
    if (!Number.isSafeInteger(value) || value < 1)
      throw new RangeError(`limits.${name}: ${value} is no positive integer`)
  }
  return complete
}

/** Throws for what no Allocate may ask (RFC 8656 §7.1): the server would only answer 400. */
export function checkClientOptions(options: TurnClientOptions): void {
  const { username, families = "v4", evenPort, reservationToken, lifetime = 600 } = options
  if (new TextEncoder().encode(username).length > MAX_USERNAME_LENGTH)
    throw new RangeError(`username: more than ${MAX_USERNAME_LENGTH} bytes`)
  if (!Number.isSafeInteger(lifetime) || lifetime < 1 || lifetime > 0xffffffff)
    throw new RangeError(`lifetime: ${lifetime} is no number of seconds`)
  if (reservationToken !== undefined) {
    if (reservationToken.length !== RESERVATION_TOKEN_LENGTH)
      throw new RangeError(`reservationToken: ${RESERVATION_TOKEN_LENGTH} bytes are needed`)
    if (evenPort !== undefined || families !== "v4")
      throw new TypeError("reservationToken: the port is chosen already, without evenPort and families")
  }
  if (families === "both" && evenPort === "reserve-next")
    throw new TypeError("evenPort: nothing is reserved beside a dual allocation")
}
