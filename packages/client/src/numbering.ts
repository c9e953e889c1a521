/**
 * What lets a session go on over another socket with nothing lost and nothing doubled. Each side numbers what it
 * says (`n`, from 1), and tells with everything it says how far it has heard the other (`ack`). What is not
 * acknowledged is kept, and said again on the next socket.
 */
export interface Numbering {
  readonly n?: number
  readonly ack?: number
}

/** Messages, and characters of them, that are kept for want of an acknowledgement. */
export interface OutboxLimits {
  readonly messages: number
  readonly bytes: number
}

export const DEFAULT_OUTBOX_LIMITS: OutboxLimits = { messages: 2000, bytes: 2 * 1024 * 1024 }

/** After so many messages an acknowledgement is sent by itself, if nothing else was there to carry it. */
export const ACK_AFTER = 32

/** What was said and not acknowledged: numbered in order, from 1. */
export class Unacknowledged<Message extends { readonly length: number }> {
  #last = 0
  #kept: Message[] = []
  #size = 0

  /** The last number given. */
  get last(): number {
    return this.#last
  }

  /** The last number acknowledged. */
  get acknowledged(): number {
    return this.#last - this.#kept.length
  }

  get count(): number {
    return this.#kept.length
  }

  /** The sum of the lengths of what is kept. */
  get size(): number {
    return this.#size
  }

  keep(message: Message): void {
    this.#last++
    this.#kept.push(message)
    this.#size += message.length
  }

  /** What has this number; `undefined` for what is acknowledged, or was never said. */
  at(n: number): Message | undefined {
    return this.#kept[n - this.acknowledged - 1]
  }

  /** The other side has heard all up to `ack`. Numbers that were never given are nonsense, and ignored. */
  acknowledge(ack: number): void {
    if (ack > this.#last) return
    for (let count = ack - this.acknowledged; count > 0; count--) this.#size -= this.#kept.shift()!.length
  }

  /** Takes back what was never said, from the first that `unsaid` holds for on. */
  withdraw(unsaid: (message: Message) => boolean): Message[] {
    const from = this.#kept.findIndex(unsaid)
    const withdrawn = from === -1 ? [] : this.#kept.splice(from)
    this.#last -= withdrawn.length
    for (const { length } of withdrawn) this.#size -= length
    return withdrawn
  }

  /** In order. */
  messages(): readonly Message[] {
    return this.#kept
  }

  /** Gives up what is kept, as if all was acknowledged. */
  clear(): void {
    this.acknowledge(this.#last)
  }
}

/** What one side of a session said and the other has not acknowledged, as text. */
export class Outbox {
  readonly #limits: OutboxLimits
  readonly #kept = new Unacknowledged<string>()
  #overflowed = false

  constructor(limits: OutboxLimits = DEFAULT_OUTBOX_LIMITS) {
    this.#limits = limits
  }

  /** Too much was kept, and some of it given up: this session can not be resumed. */
  get overflowed(): boolean {
    return this.#overflowed
  }

  /** Numbers a message, a JSON object that says something, and keeps it; returns it with its numbers. */
  add(message: string, ack: number): string {
    const kept = this.#kept
    const text = `${message.slice(0, -1)},"n":${kept.last + 1},"ack":${ack}}`
    kept.keep(text)
    if (kept.count > this.#limits.messages || kept.size > this.#limits.bytes) this.#overflowed = true
    if (this.#overflowed) kept.clear()
    return text
  }

  /** As `Unacknowledged.acknowledge`. */
  acknowledge(ack: number): void {
    this.#kept.acknowledge(ack)
  }

  /** Whether all after `ack` is still here, to be said again. */
  reaches(ack: number): boolean {
    return !this.#overflowed && ack <= this.#kept.last && ack >= this.#kept.acknowledged
  }

  /** What was not acknowledged, in order. */
  unacknowledged(): Iterable<string> {
    return this.#kept.messages()
  }
}

/** How far one side has heard the other. */
export class Inbox {
  received: number
  #acknowledged = 0

  constructor(received = 0) {
    this.received = received
  }

  /** `gap`: something before it is missing, which cannot be on one socket. */
  accept(n: number): "new" | "duplicate" | "gap" {
    if (n <= this.received) return "duplicate"
    if (n > this.received + 1) return "gap"
    this.received = n
    return "new"
  }

  /** For the next message: it acknowledges all that was received. */
  ack(): number {
    this.#acknowledged = this.received
    return this.received
  }

  /** Enough was received that an acknowledgement should go out by itself. */
  get owesAck(): boolean {
    return this.received - this.#acknowledged >= ACK_AFTER
  }
}
