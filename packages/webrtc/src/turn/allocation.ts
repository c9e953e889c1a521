import { type Address, equalBytes } from "../bytes/index.ts"
import type { Due, Path, Socket, Transport } from "../contract/index.ts"
import type { PasswordAlgorithm } from "../stun/index.ts"
import { type ByteBucket, limitedTo } from "./byte-bucket.ts"
import { type Channel, ChannelTable } from "./channel.ts"
import type { LongTermKey } from "./long-term-key.ts"
import type { Mobility } from "./mobility.ts"
import { findPermission, type Permission } from "./permission.ts"
import type { Reservation } from "./reservation.ts"
import type { AllocationUsage } from "./usage.ts"

const UNBOUND = -1

/** What peers are reached over: REQUESTED-TRANSPORT (RFC 8656 §18.8, RFC 6062 §4.1). */
export type PeerProtocol = "udp" | "tcp"

const LOOPBACK = { 4: Uint8Array.of(127, 0, 0, 1), 6: Uint8Array.of(...new Uint8Array(15), 1) }

/**
 * Which relay port is wanted (RFC 8656 §7.2): any, an even one, an even one whose successor is reserved, or
 * the one that was reserved.
 */
export type PortWish = "any" | "even" | "even-with-next" | Reservation

/** Why only one of two address families is relayed (RFC 8656 §18.12). */
export interface TwinError {
  readonly family: 4 | 6
  readonly code: 440 | 508
}

/** What an allocation is made from: an Allocate request that passed all checks. */
export interface AllocationRequest {
  readonly client: Path
  readonly transport: Transport
  readonly username: Uint8Array
  readonly user: string
  readonly key: LongTermKey
  readonly algorithm: PasswordAlgorithm | undefined
  readonly transactionId: Uint8Array
  /** Whether responses to it end in FINGERPRINT. */
  readonly fingerprint: boolean
  /** Seconds. */
  readonly lifetime: number
  readonly port: PortWish
  readonly protocol: PeerProtocol
  /** Whether its client may take it to another address (RFC 8016). */
  readonly isMobile: boolean
}

/**
 * A relayed transport address and the client that it stands for (RFC 8656 §6). It exists from the
 * moment that a socket is asked for; it relays from when the socket is bound.
 */
export class Allocation implements Due {
  readonly number: number
  /** The 5-tuple; held for as long as it is the client's. */
  client: Path
  /** What the client reaches us over. */
  transport: Transport
  readonly username: Uint8Array
  readonly user: string
  readonly key: LongTermKey
  /** The PASSWORD-ALGORITHM of the Allocate that made it. */
  readonly algorithm: PasswordAlgorithm | undefined
  /** Of the Allocate that made it: the same id again is a retransmission (RFC 8656 §7.2). */
  readonly transactionId: Uint8Array
  readonly fingerprint: boolean
  readonly lifetime: number
  readonly portWish: PortWish
  readonly protocol: PeerProtocol
  /** The token of the port behind ours, if it was reserved: repeated to retransmissions. */
  reservationToken: Uint8Array | undefined = undefined
  /** As clients and peers see it; its port changes until a socket is bound. */
  relayed: Address
  socket: Socket = UNBOUND
  /** What the driver calls it by when a peer connects to it (RFC 6062). */
  listensAs: number | undefined = undefined
  /** Where the socket is bound, once it is. */
  local: Address | undefined = undefined
  /** Whether the client was told of it; until then it can do nothing. */
  isOpen = false
  /**
   * The one of the other address family that the same Allocate made: a dual allocation is two that share a client
   * (RFC 8656 §7.2, §8.1). `undefined` for most, and when that one is gone.
   */
  twin: Allocation | undefined = undefined
  /** Why there is no twin although one was asked for. */
  twinError: TwinError | undefined = undefined
  /** What lets it move with its client (RFC 8016); `undefined` where that was not asked for. */
  mobility: Mobility | undefined = undefined
  /** Ports that turned out to be in use by others, kept aside until one is found. */
  triedPorts: number[] = []
  /** In ms, on the machine's clock; set when bound. */
  expiresAt: number = Infinity
  readonly permissions: Permission[] = []
  readonly channels: ChannelTable = new ChannelTable()
  /** What it may still relay; `undefined` without a limit. */
  readonly bandwidth: ByteBucket | undefined
  /** In ms, on the machine's clock; set when bound. */
  boundAt: number = Infinity
  packetsToPeers = 0
  bytesToPeers = 0
  packetsToClient = 0
  bytesToClient = 0
  packetsJoined = 0
  bytesJoined = 0
  readonly #unpermitted: Uint8Array[] = []
  due: number = Infinity
  place = -1

  constructor(number: number, request: AllocationRequest, relayed: Address, bytesPerSecond: number) {
    this.number = number
    this.client = request.client
    this.transport = request.transport
    this.username = request.username
    this.user = request.user
    this.key = request.key
    this.algorithm = request.algorithm
    this.transactionId = request.transactionId
    this.fingerprint = request.fingerprint
    this.lifetime = request.lifetime
    this.portWish = request.port
    this.protocol = request.protocol
    this.relayed = relayed
    this.bandwidth = limitedTo(bytesPerSecond)
  }

  get family(): 4 | 6 {
    return this.relayed.ip.length === 4 ? 4 : 6
  }

  /** Where its socket is reached from this host: at any address of its own, so at the loopback. */
  get reachable(): Address {
    const { ip, port } = this.local ?? this.relayed
    return { ip: ip.some(byte => byte !== 0) ? ip : LOOPBACK[this.family], port }
  }

  get isBound(): boolean {
    return this.socket !== UNBOUND
  }

  /** Whether nothing is waited for any more that its client has to be told with it. */
  get isComplete(): boolean {
    return this.isBound && (this.twin === undefined || this.twin.isBound)
  }

  /** Itself, and its twin, if it has one; that of IPv4 first. */
  get both(): readonly Allocation[] {
    if (this.twin === undefined) return [this]
    return this.family === 4 ? [this, this.twin] : [this.twin, this]
  }

  /** The one of the two that relays to an address: that of its family. */
  towards(ip: Uint8Array): Allocation | undefined {
    if (ip.length === this.relayed.ip.length) return this
    return this.twin
  }

  /** Of a bound allocation. */
  usage(now: number): AllocationUsage {
    return {
      allocation: this.number,
      username: this.username,
      transport: this.transport,
      packetsToPeers: this.packetsToPeers,
      bytesToPeers: this.bytesToPeers,
      packetsToClient: this.packetsToClient,
      bytesToClient: this.bytesToClient,
      packetsJoined: this.packetsJoined,
      bytesJoined: this.bytesJoined,
      duration: now - this.boundAt,
    }
  }

  permissionFor(ip: Uint8Array, now: number): Permission | undefined {
    return findPermission(this.permissions, ip, now)
  }

  /** Whether a channel's peer may send; a permission may have expired and come anew behind its back. */
  permits(channel: Channel, now: number): boolean {
    if (channel.permission.isLive(now)) return true
    const permission = this.permissionFor(channel.peer.ip, now)
    if (permission === undefined) return false
    channel.permission = permission
    return true
  }

  /** Whether it is the first time that an address without a permission sends; asked and remembered for `most` of them. */
  isUnpermittedNews(ip: Uint8Array, most: number): boolean {
    if (this.#unpermitted.length >= most || this.#unpermitted.some(known => equalBytes(known, ip)))
      return false
    this.#unpermitted.push(ip)
    return true
  }

  /** Whole seconds until it expires (RFC 8656 §7.2). */
  timeToExpiry(now: number): number {
    return Math.max(0, Math.ceil((this.expiresAt - now) / 1000))
  }

  /** When the first of all that can expire does, in ms. */
  get nextExpiry(): number {
    let next = this.expiresAt
    for (const permission of this.permissions) next = Math.min(next, permission.expiresAt)
    for (const channel of this.channels.all) {
      next = Math.min(next, channel.isOpen ? channel.expiresAt : channel.cooledDownAt)
    }
    return next
  }
}
