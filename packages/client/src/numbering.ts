/**
 * What lets a session go on over another socket with nothing lost and nothing doubled. Each side numbers what it
 * says (`n`, from 1), and tells with everything it says how far it has heard the other (`ack`). What is not
 * acknowledged is kept, and said again on the next socket.
 */
export interface Numbering {
  readonly n?: number
  readonly ack?: number
}

/** Messages, and bytes of them, that are kept for want of an acknowledgement. */
export interface OutboxLimits {
  readonly messages: number
  readonly bytes: number
}

export const DEFAULT_OUTBOX_LIMITS: OutboxLimits = { messages: 2000, bytes: 2 * 1024 * 1024 }

/** After so many messages an acknowledgement is sent by itself, if nothing else was there to carry it. */
export const ACK_AFTER = 32

interface Kept {
  readonly n: number
  readonly text: string
}

/** What one side said and the other has not acknowledged. */
export class Outbox {
  readonly #limits: OutboxLimits
  #last = 0
  #kept: Kept[] = []
  #bytes = 0
  #overflowed = false

  constructor(limits: OutboxLimits = DEFAULT_OUTBOX_LIMITS) {
    this.#limits = limits
  }

  /** Too much was kept, and some of it given up: this session can not be resumed. */
  get overflowed(): boolean {
    return this.#overflowed
  }

  /** Numbers a message and keeps it; returns it as text. */
  add(message: object, ack: number): string {
    const n = ++this.#last
    const text = JSON.stringify({ ...message, n, ack })
    if (this.#overflowed) return text
    this.#kept.push({ n, text })
    this.#bytes += text.length
    if (this.#kept.length > this.#limits.messages || this.#bytes > this.#limits.bytes) {
      this.#overflowed = true
      this.#kept = []
    }
    return text
  }

  /** The other side has heard all up to `ack`. Numbers that were never given are nonsense, and ignored. */
  acknowledge(ack: number): void {
    if (ack > this.#last) return
    const heard = this.#kept.findIndex(({ n }) => n > ack)
    const dropped = this.#kept.splice(0, heard === -1 ? this.#kept.length : heard)
    for (const { text } of dropped) this.#bytes -= text.length
  }

  /** Whether all after `ack` is still here, to be said again. */
  reaches(ack: number): boolean {
    return !this.#overflowed && ack <= this.#last && ack >= (this.#kept[0]?.n ?? this.#last + 1) - 1
  }

  /** What was not acknowledged, in order. */
  *unacknowledged(): Iterable<string> {
    for (const { text } of this.#kept) yield text
  }
}

/** How far one side has heard the other. */
export class Inbox {
  received = 0
  #acknowledged = 0

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
