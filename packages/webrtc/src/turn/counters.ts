import type { Transport } from "../contract/index.ts"

/** Why a packet went nowhere. */
export type DropReason =
  /** Neither STUN nor ChannelData, or broken. */
  | "malformed"
  /** STUN that a TURN server has no use for: responses, other methods, indications with unknown attributes. */
  | "unexpected"
  /** FINGERPRINT was there and wrong. */
  | "bad-fingerprint"
  /** A request of somebody unauthenticated whose source was sent enough: `limits.strangersBytesPerSecond`. */
  | "over-budget"
  /** Data from a client without an allocation. */
  | "no-allocation"
  /** ChannelData on a number that is not bound. */
  | "no-channel"
  /** To or from a peer without a permission. */
  | "no-permission"
  /** To or from a peer that the policy denies. */
  | "forbidden-peer"
  /** To a relayed address of this server that nobody has any more. */
  | "no-such-relay"
  /** More than `limits.allocationBytesPerSecond` or `limits.relayedBytesPerSecond`. */
  | "over-bandwidth"
  /** The driver's path table is full. */
  | "no-path"

export interface TurnCounters {
  /** Now. */
  readonly allocations: number
  /** The same, by what the clients reach the server over. */
  readonly allocationsOver: Readonly<Record<Transport, number>>
  /** TCP connections to peers that stand now (RFC 6062). */
  readonly connections: number
  readonly freePorts: number
  /** Kept for who comes with a RESERVATION-TOKEN. */
  readonly reservedPorts: number
  /** Since the start, as everything below. Application data only, without any header; of TCP relayed there are no packets. */
  readonly packetsToPeers: number
  readonly bytesToPeers: number
  readonly packetsToClients: number
  readonly bytesToClients: number
  /**
   * Of those to peers, what went to another allocation of this server inside the process: each of them would otherwise
   * have been sent once more, and received once more.
   */
  readonly packetsJoined: number
  readonly bytesJoined: number
  readonly bindingRequests: number
  /** Requests answered with each error code. */
  readonly errors: Readonly<Record<number, number>>
  readonly drops: Readonly<Record<DropReason, number>>
  /** `refused` evidence that was left out because there was too much of it. */
  readonly evidenceSuppressed: number
}

/** What happens per packet is counted, not told. */
export class Counters {
  packetsToPeers = 0
  bytesToPeers = 0
  packetsToClients = 0
  bytesToClients = 0
  packetsJoined = 0
  bytesJoined = 0
  bindingRequests = 0
  evidenceSuppressed = 0
  readonly errors: Record<number, number> = {}
  readonly drops: Record<DropReason, number> = {
    malformed: 0,
    unexpected: 0,
    "bad-fingerprint": 0,
    "over-budget": 0,
    "no-allocation": 0,
    "no-channel": 0,
    "no-permission": 0,
    "forbidden-peer": 0,
    "no-such-relay": 0,
    "over-bandwidth": 0,
    "no-path": 0,
  }

  drop(reason: DropReason): void {
    this.drops[reason]++
  }

  error(code: number): void {
    this.errors[code] = (this.errors[code] ?? 0) + 1
  }

  snapshot(
    now: Pick<
      TurnCounters,
      "allocations" | "allocationsOver" | "connections" | "freePorts" | "reservedPorts"
    >,
  ): TurnCounters {
    return {
      ...now,
      packetsToPeers: this.packetsToPeers,
      bytesToPeers: this.bytesToPeers,
      packetsToClients: this.packetsToClients,
      bytesToClients: this.bytesToClients,
      packetsJoined: this.packetsJoined,
      bytesJoined: this.bytesJoined,
      bindingRequests: this.bindingRequests,
      errors: { ...this.errors },
      drops: { ...this.drops },
      evidenceSuppressed: this.evidenceSuppressed,
    }
  }
}
