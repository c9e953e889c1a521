import { type Address, equalAddress } from "../bytes/index.ts"
import type { Path } from "../contract/index.ts"
import type { Permission } from "./permission.ts"

/** RFC 8656 §12: the numbers that a channel may have. */
export const FIRST_CHANNEL = 0x4000
export const LAST_CHANNEL = 0x4fff
/** RFC 5766 §11 went further; what was written before RFC 8656 may use it. */
export const LAST_CHANNEL_RFC5766 = 0x7fff

/** RFC 8656 §12: "A channel binding lasts for 10 minutes unless refreshed." In ms. */
export const CHANNEL_LIFETIME = 600_000

/**
 * RFC 8656 §12: for five minutes after a binding expired, neither its number nor its peer may be bound
 * otherwise, lest packets under way reach somebody else. In ms.
 */
export const CHANNEL_COOL_DOWN = 300_000

/** The header of ChannelData (RFC 8656 §12.4). */
export const CHANNEL_HEADER_LENGTH = 4

/** A channel number bound to a peer's transport address (RFC 8656 §12). */
export class Channel {
  readonly number: number
  readonly peer: Address
  /** From the relay socket to the peer; held while the binding is live. */
  readonly path: Path
  /** Whether the peer's address is one of those that this server relays from, in use or not. */
  readonly isOurs: boolean
  /** The permission that was live when last looked for: a shortcut, to be checked. */
  permission: Permission
  /** In ms, on the machine's clock. */
  expiresAt: number
  /** False once it expired: it then only keeps its number and peer from being bound otherwise. */
  isOpen = true

  constructor(
    number: number,
    peer: Address,
    path: Path,
    isOurs: boolean,
    permission: Permission,
    expiresAt: number,
  ) {
    this.number = number
    this.peer = peer
    this.path = path
    this.isOurs = isOurs
    this.permission = permission
    this.expiresAt = expiresAt
  }

  isLive(now: number): boolean {
    return now < this.expiresAt
  }

  get cooledDownAt(): number {
    return this.expiresAt + CHANNEL_COOL_DOWN
  }
}

/** The channels of one allocation, by number in constant time. */
export class ChannelTable {
  readonly #channels: Channel[] = []
  /** For `number - FIRST_CHANNEL`: one more than the place in `#channels`, 0 for none. Clients count up from 0x4000. */
  #places = new Uint16Array(16)

  get size(): number {
    return this.#channels.length
  }

  get all(): readonly Channel[] {
    return this.#channels
  }

  /** Of a number from FIRST_CHANNEL on. Cooling ones too: ask `isLive`. */
  get(number: number): Channel | undefined {
    const place = this.#places[number - FIRST_CHANNEL]
    return place === undefined || place === 0 ? undefined : this.#channels[place - 1]
  }

  ofPeer(peer: Address): Channel | undefined {
    return this.#channels.find(channel => equalAddress(channel.peer, peer))
  }

  add(channel: Channel): void {
    const index = channel.number - FIRST_CHANNEL
    while (index >= this.#places.length) {
      const grown = new Uint16Array(this.#places.length * 2)
      grown.set(this.#places)
      this.#places = grown
    }
    this.#channels.push(channel)
    this.#places[index] = this.#channels.length
  }

  remove(channel: Channel): void {
    const index = channel.number - FIRST_CHANNEL
    const place = this.#places[index]!
    const last = this.#channels.pop()!
    if (last !== channel) {
      this.#channels[place - 1] = last
      this.#places[last.number - FIRST_CHANNEL] = place
    }
    this.#places[index] = 0
  }
}
