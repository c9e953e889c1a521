import { TightbeamError } from "./errors.ts"
import { Unacknowledged } from "./numbering.ts"

/** What one call of `send` says: the same object to everybody that it goes to. */
export interface Message {
  readonly data: string | Uint8Array<ArrayBuffer>
  /** Higher than that of all that was said before. */
  readonly order: number
}

/** Bytes that wait in a channel before what follows waits too. */
const HIGH_WATER = 1024 * 1024

/** Bytes, or characters of text, that a peer may leave unacknowledged before what follows waits too. */
const WINDOW = 8 * 1024 * 1024

/** Bytes, or characters of text, that may be kept for one peer. */
const MAX_KEPT = 16 * 1024 * 1024

/** What keeping a message costs beside its data, bytes. */
const OVERHEAD = 64

interface Entry {
  readonly message: Message
  readonly length: number
  /** A channel has taken it. */
  handed: boolean
}

/** What is said to one peer on one channel, over as many connections as it takes, until it is acknowledged. */
export class Outgoing {
  readonly #kept = new Unacknowledged<Entry>()
  #handed = 0
  #inFlight = 0

  get full(): boolean {
    return this.#kept.size >= MAX_KEPT
  }

  /** The peer acknowledges nothing, and gets no more for now. */
  get stuck(): boolean {
    return this.#inFlight > WINDOW
  }

  /** The number of what is handed over next. */
  get next(): number {
    return this.#handed + 1
  }

  /** Throws a `TightbeamError` of `send-queue-full`. */
  keep(message: Message): Entry {
    if (this.full)
      throw new TightbeamError(
        "send-queue-full",
        "Too much waits to be sent already.",
        "Await each send before the next one.",
      )
    const entry = { message, length: message.data.length + OVERHEAD, handed: false }
    this.#kept.keep(entry)
    return entry
  }

  /** Takes over what another kept for the same peer. What both keep is kept once: the entry that is waited for. */
  adopt(other: Outgoing): void {
    const more = other.#kept.messages()
    const both = new Set(more.map(({ message }) => message))
    const waiting = this.#kept.withdraw(({ handed }) => !handed).filter(({ message }) => !both.has(message))
    for (const entry of [...waiting, ...more].sort((a, b) => a.message.order - b.message.order))
      this.#kept.keep(entry)
  }

  /** All up to `n` has arrived. What was never handed over cannot have: that is nonsense, and ignored. */
  acknowledge(n: number): void {
    if (n > this.#handed) return
    const before = this.#kept.size
    this.#kept.acknowledge(n)
    this.#inFlight -= before - this.#kept.size
  }

  /** Another connection: what was not acknowledged is to be handed over again. */
  rewind(): void {
    this.#handed = this.#kept.acknowledged
    this.#inFlight = 0
  }

  /** Hands over what there is room for. */
  hand(channel: RTCDataChannel): void {
    let entry: Entry | undefined
    while (
      channel.bufferedAmount <= HIGH_WATER &&
      !this.stuck &&
      (entry = this.#kept.at(this.next)) !== undefined
    ) {
      channel.send(entry.message.data as string)
      this.#handed++
      this.#inFlight += entry.length
      entry.handed = true
      // Nobody acknowledges what may be lost.
      if (!channel.ordered) this.acknowledge(this.#handed)
    }
  }
}
