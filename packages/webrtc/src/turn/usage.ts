import type { Transport } from "../contract/index.ts"

/**
 * What one allocation has cost so far. Packets and bytes are of application data, without any header; one whose peers are
 * reached over TCP has no packets.
 */
export interface AllocationUsage {
  readonly allocation: number
  /** As received: opaque bytes. */
  readonly username: Uint8Array
  /** What the client reaches the server over. */
  readonly transport: Transport
  readonly packetsToPeers: number
  readonly bytesToPeers: number
  readonly packetsToClient: number
  readonly bytesToClient: number
  /** Of those to peers, what went to another allocation of this server, and so over no wire. */
  readonly packetsJoined: number
  readonly bytesJoined: number
  /** How long it has had its relayed address, in ms. */
  readonly duration: number
}
