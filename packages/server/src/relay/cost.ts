import type { Transport } from "@tightbeam/webrtc/contract"
import type { AllocationUsage } from "@tightbeam/webrtc/turn"

/** What some allocations cost together. Packets and bytes are of application data, without any header. */
export class Cost {
  /** How many there were, with those that live. */
  allocations = 0
  /** How many of them live. */
  live = 0
  /** For how long, all added up. */
  seconds = 0
  packetsToPeers = 0
  bytesToPeers = 0
  packetsToClients = 0
  bytesToClients = 0
  /** Of those to peers, what went to somebody who is relayed by the same thread, and so over no socket. */
  packetsJoined = 0
  bytesJoined = 0

  add(usage: AllocationUsage, isLive: boolean): void {
    this.allocations++
    if (isLive) this.live++
    this.seconds += usage.duration / 1000
    this.packetsToPeers += usage.packetsToPeers
    this.bytesToPeers += usage.bytesToPeers
    this.packetsToClients += usage.packetsToClient
    this.bytesToClients += usage.bytesToClient
    this.packetsJoined += usage.packetsJoined
    this.bytesJoined += usage.bytesJoined
  }

  merge(other: Readonly<Cost>): void {
    this.allocations += other.allocations
    this.live += other.live
    this.seconds += other.seconds
    this.packetsToPeers += other.packetsToPeers
    this.bytesToPeers += other.bytesToPeers
    this.packetsToClients += other.packetsToClients
    this.bytesToClients += other.bytesToClients
    this.packetsJoined += other.packetsJoined
    this.bytesJoined += other.bytesJoined
  }
}

/** Costs by what the clients' side went over; of the peers' side nothing is said. */
export type CostOver = Partial<Record<Transport, Cost>>

export const TRANSPORTS: readonly Transport[] = ["udp", "tcp", "tls"]

export function addUsage(over: CostOver, usage: AllocationUsage, isLive: boolean): void {
  over[usage.transport] ??= new Cost()
  over[usage.transport]!.add(usage, isLive)
}

export function mergeCosts(into: CostOver, from: Readonly<CostOver>): void {
  for (const transport of TRANSPORTS) {
    const cost = from[transport]
    if (cost === undefined) continue
    into[transport] ??= new Cost()
    into[transport].merge(cost)
  }
}

export function copyOf(over: Readonly<CostOver>): CostOver {
  const copy: CostOver = {}
  mergeCosts(copy, over)
  return copy
}

export function totalOf(over: Readonly<CostOver>): Cost {
  const total = new Cost()
  for (const cost of Object.values(over)) total.merge(cost)
  return total
}

export function bytesOf(over: Readonly<CostOver>): number {
  let bytes = 0
  for (const transport of TRANSPORTS) {
    const cost = over[transport]
    if (cost !== undefined) bytes += cost.bytesToPeers + cost.bytesToClients
  }
  return bytes
}
