import { type Address, equalAddress } from "../../bytes/index.ts"
import { CHANNEL_COOL_DOWN, CHANNEL_LIFETIME, FIRST_CHANNEL, LAST_CHANNEL } from "../channel.ts"

/** When a binding is asked for again, in ms: there is a minute left of its ten for the request to get through. */
export const CHANNEL_REFRESH = 540_000

/** A channel number for a peer's transport address (RFC 8656 §12), bound or to be bound. */
export class ClientChannel {
  readonly number: number
  readonly peer: Address
  /** When the next ChannelBind is to be sent, in ms; Infinity while one is under way, or none is wanted. */
  dueAt: number
  /** In ms; until then the server has it, and data may be sent on it. */
  expiresAt: number = -Infinity
  /** Until then the server may have it, as a request of which no answer came may have bound it too. In ms. */
  takenUntil: number = -Infinity
  /** False once the owner has no use for it: it only keeps its number. */
  isWanted = true

  constructor(number: number, peer: Address, now: number) {
    this.number = number
    this.peer = peer
    this.dueAt = now
  }

  isBound(now: number): boolean {
    return now < this.expiresAt
  }

  /** A request for it goes out at `now`, perhaps more than once. */
  asked(now: number): void {
    this.dueAt = Infinity
    this.takenUntil = now + CHANNEL_LIFETIME
  }

  /** A request that was first sent at `startedAt` succeeded at `now`: the server counts from somewhere in between. */
  bound(startedAt: number, now: number): void {
    this.takenUntil = now + CHANNEL_LIFETIME
    if (!this.isWanted) return
    this.expiresAt = startedAt + CHANNEL_LIFETIME
    this.dueAt = startedAt + CHANNEL_REFRESH
  }

  /** Nobody wants it any more, or the server refused it. */
  drop(now: number): void {
    this.isWanted = false
    this.dueAt = Infinity
    this.expiresAt = -Infinity
    this.takenUntil = now + CHANNEL_LIFETIME
  }

  /** It is wanted again: the same number for the same peer, so that there is nothing to wait for. */
  revive(now: number): void {
    this.isWanted = true
    this.dueAt = now
  }

  /** The server knows nothing of it any more. */
  reset(now: number): void {
    this.expiresAt = -Infinity
    this.takenUntil = -Infinity
    this.dueAt = this.isWanted ? now : Infinity
  }

  /** RFC 8656 §12: five minutes after it expired, its number and peer may be bound otherwise. */
  isFree(now: number): boolean {
    return !this.isWanted && now >= this.takenUntil + CHANNEL_COOL_DOWN
  }
}

/** The channels that the owner wants, and the numbers that are not free yet. */
export class ClientChannels {
  readonly #capacity: number
  readonly #byNumber = new Map<number, ClientChannel>()
  readonly #channels: ClientChannel[] = []
  #next = FIRST_CHANNEL

  constructor(capacity: number) {
    this.#capacity = Math.min(capacity, LAST_CHANNEL - FIRST_CHANNEL + 1)
  }

  get all(): readonly ClientChannel[] {
    return this.#channels
  }

  get(number: number): ClientChannel | undefined {
    return this.#byNumber.get(number)
  }

  of(peer: Address): ClientChannel | undefined {
    // By index: who sends looks here, and an iterator would be an object for each packet.
    for (let i = 0; i < this.#channels.length; i++) {
      if (equalAddress(this.#channels[i]!.peer, peer)) return this.#channels[i]
    }
    return undefined
  }

  /** A channel for a peer that has none; `undefined` when no more are allowed. */
  add(peer: Address, now: number): ClientChannel | undefined {
    if (this.#channels.length === this.#capacity) this.#removeFree(now)
    if (this.#channels.length === this.#capacity) return undefined
    while (this.#byNumber.has(this.#next)) this.#advance()
    const channel = new ClientChannel(this.#next, { ip: peer.ip.slice(), port: peer.port }, now)
    this.#advance()
    this.#byNumber.set(channel.number, channel)
    this.#channels.push(channel)
    return channel
  }

  clear(): void {
    this.#channels.length = 0
    this.#byNumber.clear()
  }

  get nextDue(): number {
    let next = Infinity
    for (const { dueAt } of this.#channels) next = Math.min(next, dueAt)
    return next
  }

  #advance(): void {
    this.#next = this.#next === LAST_CHANNEL ? FIRST_CHANNEL : this.#next + 1
  }

  #removeFree(now: number): void {
    for (let i = this.#channels.length - 1; i >= 0; i--) {
      const channel = this.#channels[i]!
      if (!channel.isFree(now)) continue
      this.#channels.splice(i, 1)
      this.#byNumber.delete(channel.number)
    }
  }
}
