import { type Address, equalBytes, readUint16, writeUint16 } from "../bytes/index.ts"
import { type Datagram, NO_PATH, type Out, type Path } from "../contract/index.ts"
import { AddressSlot, Attribute, readXorAddress, type StunMessage } from "../stun/index.ts"
import type { Allocation } from "./allocation.ts"
import type { AllocationTable } from "./allocation-table.ts"
import type { ByteBucket } from "./byte-bucket.ts"
import { CHANNEL_HEADER_LENGTH } from "./channel.ts"
import type { Counters } from "./counters.ts"
import { beginIndication, DATA_INDICATION, endIndication, indicationHeaderLength } from "./indication.ts"
import type { Siblings } from "./options.ts"
import type { PeerPolicy } from "./peer-policy.ts"
import type { RandomPool } from "./random-pool.ts"

export interface RelayHandlers {
  /** A peer without a permission sent to an allocation. */
  readonly unpermitted: (allocation: Allocation, peer: Address, out: Out<never>) => void
  /** The client sent data from where it is expected after a move (RFC 8016 §3.2.2). */
  readonly arrived: (allocation: Allocation, out: Out<never>) => void
}

interface RelayParts {
  readonly table: AllocationTable
  readonly policy: PeerPolicy
  readonly counters: Counters
  readonly random: RandomPool
  /** What all allocations together may still relay. */
  readonly bandwidth: ByteBucket | undefined
  readonly reach: Siblings["reach"] | undefined
  readonly handlers: RelayHandlers
}

/**
 * The packet path, both ways. Data is never copied: what the client wrapped is skipped, what it needs is
 * written into the room in front of the received bytes, and the rest goes on as it came. Nothing is
 * allocated here.
 */
export class Relay {
  readonly #table: AllocationTable
  readonly #policy: PeerPolicy
  readonly #counters: Counters
  readonly #random: RandomPool
  readonly #handlers: RelayHandlers
  readonly #bandwidth: ByteBucket | undefined
  readonly #reach: Siblings["reach"] | undefined
  readonly #peer = new AddressSlot()
  readonly #siblingPeer = new AddressSlot()

  constructor({ table, policy, counters, random, bandwidth, reach, handlers }: RelayParts) {
    this.#table = table
    this.#policy = policy
    this.#counters = counters
    this.#random = random
    this.#bandwidth = bandwidth
    this.#reach = reach
    this.#handlers = handlers
  }

  /** RFC 8656 §12.6. */
  channelData(d: Datagram, now: number, out: Out<never>): void {
    // Over UDP padding is optional: what follows the declared bytes is not ours to judge (§12.5).
    if (d.length < CHANNEL_HEADER_LENGTH) return this.#counters.drop("malformed")
    const length = readUint16(d.bytes, d.offset + 2)
    if (CHANNEL_HEADER_LENGTH + length > d.length) return this.#counters.drop("malformed")
    let allocation = this.#ofClient(d.path, out)
    if (allocation === undefined) return this.#counters.drop("no-allocation")
    const number = readUint16(d.bytes, d.offset)
    let channel = allocation.channels.get(number)
    // The twins of a dual allocation share the numbers.
    if (channel === undefined && allocation.twin !== undefined) {
      allocation = allocation.twin
      channel = allocation.channels.get(number)
    }
    if (channel === undefined || !channel.isLive(now)) return this.#counters.drop("no-channel")
    if (channel.isOurs) {
      const { peer } = channel
      // An address that we may relay from belongs to whoever has it now: an allocation, or another process.
      const verdict = this.#policy.authorizePeer(peer.ip, peer.port)
      if (verdict === "denied") return this.#counters.drop("no-such-relay")
      if (verdict === "relayed") {
        this.#toRelayed(allocation, peer, d, CHANNEL_HEADER_LENGTH, length, now, out)
        return
      }
    }
    if (!this.#mayRelay(allocation, length, now)) return
    this.#countToPeer(allocation, length)
    out.forward(d, CHANNEL_HEADER_LENGTH, length, channel.path)
  }

  /** RFC 8656 §11.2. Whatever is wrong with it, an indication is dropped in silence. */
  send(message: StunMessage, d: Datagram, now: number, out: Out<never>): void {
    const first = this.#ofClient(d.path, out)
    if (first === undefined) return this.#counters.drop("no-allocation")
    const peerAt = message.indexOf(Attribute.xorPeerAddress)
    const dataAt = message.indexOf(Attribute.data)
    const peer = this.#peer
    if (peerAt < 0 || dataAt < 0 || !readXorAddress(message, peerAt, peer) || peer.port === 0) {
      return this.#counters.drop("malformed")
    }
    const allocation = first.towards(peer.ip)
    if (allocation?.permissionFor(peer.ip, now) === undefined) return this.#counters.drop("no-permission")
    if (allocation.protocol !== "udp") return this.#counters.drop("unexpected")
    const verdict = this.#policy.authorizePeer(peer.ip, peer.port)
    if (verdict === "denied") return this.#counters.drop("forbidden-peer")
    const start = message.valueAt(dataAt) - d.offset
    const length = message.valueLength(dataAt)
    if (verdict === "relayed") {
      this.#toRelayed(allocation, peer, d, start, length, now, out)
      return
    }
    const path = out.paths.open(allocation.socket, peer)
    if (path === NO_PATH) return this.#counters.drop("no-path")
    if (!this.#mayRelay(allocation, length, now)) return
    this.#countToPeer(allocation, length)
    // RFC 8656 §14, §15. To an allocation of this process it goes on in memory or over the loopback: in one piece.
    if (message.has(Attribute.dontFragment)) out.forwardUnfragmented?.(d, start, length, path)
    else out.forward(d, start, length, path)
  }

  /** RFC 8656 §11.3: a datagram arrived on an allocation's relay socket. */
  fromPeer(allocation: Allocation, d: Datagram, now: number, out: Out<never>): void {
    const path = this.#reach === undefined ? d.path : this.#asRelayed(allocation, d.path, this.#reach, out)
    if (path === NO_PATH) return this.#counters.drop("no-path")
    this.#toClient(allocation, path, d, 0, d.length, now, out)
  }

  /** The path that a datagram of a sibling's allocation is on by its relayed address, which clients know its sender by. */
  #asRelayed(allocation: Allocation, path: Path, reach: Siblings["reach"], out: Out<never>): Path {
    const { ip, port } = out.paths.remote(path)
    const siblings = ip.length === 4 ? reach.v4 : reach.v6
    const own = this.#table.relays(ip.length === 4 ? 4 : 6)
    if (siblings === undefined || own === undefined || !equalBytes(ip, siblings)) return path
    if (!own.isLive(own.ip, port)) return path
    return out.paths.open(allocation.socket, this.#addressOf(own.ip, port))
  }

  #addressOf(ip: Uint8Array, port: number): Address {
    const address = this.#siblingPeer
    address.ip = ip
    address.port = port
    return address
  }

  /** Of a client that sends data: which is where it is from now on. */
  #ofClient(client: Path, out: Out<never>): Allocation | undefined {
    const allocation = this.#table.ofClient(client)
    if (allocation !== undefined && allocation.client !== client) this.#handlers.arrived(allocation, out)
    return allocation
  }

  /**
   * From one allocation to another of this server, without a socket in between: it works wherever the
   * clients reach the server, whether or not the server reaches its own announced address.
   */
  #toRelayed(
    from: Allocation,
    to: Address,
    d: Datagram,
    start: number,
    length: number,
    now: number,
    out: Out<never>,
  ): void {
    const receiver = this.#table.relayedFrom(to.ip, to.port)
    if (receiver === undefined) {
      this.#toSibling(from, to, d, start, length, now, out)
      return
    }
    // As the receiver's socket would have it: a datagram from the sender's relayed address.
    const path = out.paths.open(receiver.socket, from.relayed)
    if (path === NO_PATH) return this.#counters.drop("no-path")
    if (!this.#mayRelay(from, length, now)) return
    this.#countToPeer(from, length)
    this.#countJoined(from, length)
    this.#toClient(receiver, path, d, start, length, now, out)
  }

  /** To an allocation that another server of this process holds. */
  #toSibling(
    from: Allocation,
    to: Address,
    d: Datagram,
    start: number,
    length: number,
    now: number,
    out: Out<never>,
  ): void {
    const ip = to.ip.length === 4 ? this.#reach?.v4 : this.#reach?.v6
    if (ip === undefined) return this.#counters.drop("no-such-relay")
    const path = out.paths.open(from.socket, this.#addressOf(ip, to.port))
    if (path === NO_PATH) return this.#counters.drop("no-path")
    if (!this.#mayRelay(from, length, now)) return
    this.#countToPeer(from, length)
    out.forward(d, start, length, path)
  }

  /** Sends `length` bytes from `d.offset + start` on, which came from the peer behind `path`, to the client. */
  #toClient(
    allocation: Allocation,
    path: Path,
    d: Datagram,
    start: number,
    length: number,
    now: number,
    out: Out<never>,
  ): void {
    const peer = out.paths.remote(path)
    const channel = this.#table.channelOn(path)
    const isPermitted =
      channel === undefined
        ? allocation.permissionFor(peer.ip, now) !== undefined
        : allocation.permits(channel, now)
    if (!isPermitted) {
      this.#counters.drop("no-permission")
      this.#handlers.unpermitted(allocation, peer, out)
      return
    }
    // Who has a channel was judged when it was bound, and the policy stays; only relayed addresses come and go.
    const isJudged = channel !== undefined && !channel.isOurs
    if (!isJudged && this.#policy.authorizePeer(peer.ip, peer.port) === "denied") {
      return this.#counters.drop("forbidden-peer")
    }
    if (!this.#mayRelay(allocation, length, now)) return
    this.#countToClient(allocation, length)
    // RFC 8656 §12.5: where a channel is bound, the server must use it.
    if (channel?.isLive(now)) {
      const skip = start - CHANNEL_HEADER_LENGTH
      writeUint16(d.bytes, d.offset + skip, channel.number)
      writeUint16(d.bytes, d.offset + skip + 2, length)
      out.forward(d, skip, CHANNEL_HEADER_LENGTH + length, allocation.client)
      return
    }
    const header = indicationHeaderLength(peer.ip)
    const at = d.offset + start - header
    beginIndication(DATA_INDICATION, peer, d.bytes, at, this.#random)
    out.forward(d, start - header, endIndication(d.bytes, at, header, length), allocation.client)
  }

  /** Whether there is bandwidth left for a packet, which then is spent; counted as dropped where there is none. */
  #mayRelay(allocation: Allocation, length: number, now: number): boolean {
    const own = allocation.bandwidth
    const all = this.#bandwidth
    if (own === undefined && all === undefined) return true
    if (own?.isOpen(now) === false || all?.isOpen(now) === false) {
      this.#counters.drop("over-bandwidth")
      return false
    }
    own?.spend(length)
    all?.spend(length)
    return true
  }

  #countToPeer(allocation: Allocation, length: number): void {
    allocation.packetsToPeers++
    allocation.bytesToPeers += length
    this.#counters.packetsToPeers++
    this.#counters.bytesToPeers += length
  }

  #countJoined(from: Allocation, length: number): void {
    from.packetsJoined++
    from.bytesJoined += length
    this.#counters.packetsJoined++
    this.#counters.bytesJoined += length
  }

  #countToClient(allocation: Allocation, length: number): void {
    allocation.packetsToClient++
    allocation.bytesToClient += length
    this.#counters.packetsToClients++
    this.#counters.bytesToClients += length
  }
}
