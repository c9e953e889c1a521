import { type Address, readUint16, writeUint16 } from "../../bytes/index.ts"
import type { Datagram, Out, Path } from "../../contract/index.ts"
import { AddressSlot, Attribute, padded, readXorAddress, type StunMessage } from "../../stun/index.ts"
import { CHANNEL_HEADER_LENGTH } from "../channel.ts"
import { beginIndication, endIndication, indicationHeaderLength, SEND_INDICATION } from "../indication.ts"
import type { RandomPool } from "../random-pool.ts"
import type { ClientChannels } from "./channels.ts"
import type { TurnClientEvent } from "./events.ts"
import type { OnData } from "./options.ts"
import type { Permissions } from "./permissions.ts"

/** Both lengths are written in 16 bits. */
const MAX_DATA_LENGTH = 0xffff - 64

export interface TurnClientCounters {
  /** Application data only, without any header. */
  packetsToPeers: number
  bytesToPeers: number
  packetsFromPeers: number
  bytesFromPeers: number
  /** Not ours, broken, or of a peer that we have no permission for. */
  dropped: number
}

/** The packet path of a client, both ways (RFC 8656 §11, §12). What is received is never copied. */
export class Data {
  readonly #channels: ClientChannels
  readonly #permissions: Permissions
  readonly #random: RandomPool
  readonly #onData: OnData
  readonly #peer = new AddressSlot()
  readonly counters: TurnClientCounters = {
    packetsToPeers: 0,
    bytesToPeers: 0,
    packetsFromPeers: 0,
    bytesFromPeers: 0,
    dropped: 0,
  }
  /** Of the last `reserve`. */
  #at = 0
  #header = 0
  #room = 0

  constructor(channels: ClientChannels, permissions: Permissions, random: RandomPool, onData: OnData) {
    this.#channels = channels
    this.#permissions = permissions
    this.#random = random
    this.#onData = onData
  }

  /** RFC 8656 §12.6. A channel counts from when it was asked for: its answer may be overtaken (§12). */
  channelData(d: Datagram, now: number, out: Out<TurnClientEvent>): void {
    if (d.length < CHANNEL_HEADER_LENGTH) return this.drop()
    const length = readUint16(d.bytes, d.offset + 2)
    if (CHANNEL_HEADER_LENGTH + length > d.length) return this.drop()
    const channel = this.#channels.get(readUint16(d.bytes, d.offset))
    if (channel === undefined || !channel.isWanted) return this.drop()
    this.#deliver(d, d.offset + CHANNEL_HEADER_LENGTH, length, channel.peer, now, out)
  }

  /** A Data indication (RFC 8656 §11.4). */
  indication(message: StunMessage, d: Datagram, now: number, out: Out<TurnClientEvent>): void {
    const peerAt = message.indexOf(Attribute.xorPeerAddress)
    const dataAt = message.indexOf(Attribute.data)
    if (peerAt < 0 || dataAt < 0 || !readXorAddress(message, peerAt, this.#peer)) return this.drop()
    // Wanted is enough: what the server lets through may overtake its answer to us.
    if (this.#permissions.of(this.#peer.ip) === undefined) return this.drop()
    this.#deliver(d, message.valueAt(dataAt), message.valueLength(dataAt), this.#peer, now, out)
  }

  /**
   * Room for `max` bytes to a peer, in the send slab behind the header that they need; -1 when there is no permission
   * for it. The bytes are written to `out.bytes` from there on, then `commit`ted.
   */
  reserve(server: Path, peer: Address, max: number, now: number, out: Out<TurnClientEvent>): number {
    if (max > MAX_DATA_LENGTH) throw new RangeError(`reserve: ${max} bytes are more than a datagram has`)
    const channel = this.#channels.of(peer)
    if (channel?.isBound(now)) {
      this.#header = CHANNEL_HEADER_LENGTH
      this.#at = out.reserve(server, CHANNEL_HEADER_LENGTH + max)
      writeUint16(out.bytes, this.#at, channel.number)
    } else if (this.#permissions.of(peer.ip)?.isLive(now)) {
      this.#header = indicationHeaderLength(peer.ip)
      this.#at = out.reserve(server, this.#header + padded(max))
      beginIndication(SEND_INDICATION, peer, out.bytes, this.#at, this.#random)
    } else {
      return -1
    }
    this.#room = max
    return this.#at + this.#header
  }

  /** Sends the first `length` bytes of the last `reserve`. */
  commit(length: number, out: Out<TurnClientEvent>): void {
    if (length > this.#room) throw new RangeError(`commit(${length}): only ${this.#room} bytes are reserved`)
    const { bytes } = out
    let whole = this.#header + length
    if (this.#header === CHANNEL_HEADER_LENGTH) writeUint16(bytes, this.#at + 2, length)
    else whole = endIndication(bytes, this.#at, this.#header, length)
    this.#room = 0
    this.counters.packetsToPeers++
    this.counters.bytesToPeers += length
    out.commit(whole)
  }

  drop(): void {
    this.counters.dropped++
  }

  #deliver(
    d: Datagram,
    at: number,
    length: number,
    peer: Address,
    now: number,
    out: Out<TurnClientEvent>,
  ): void {
    this.counters.packetsFromPeers++
    this.counters.bytesFromPeers += length
    const { offset, length: whole } = d
    d.offset = at
    d.length = length
    this.#onData(d, peer, now, out)
    d.offset = offset
    d.length = whole
  }
}
