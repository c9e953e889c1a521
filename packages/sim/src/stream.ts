import type { Address } from "@tightbeam/webrtc/bytes"
import type { Link } from "./link.ts"
import type { Schedule } from "./schedule.ts"

/** What one end of a stream is told. */
export interface StreamHandlers {
  opened?(): void
  message?(text: string): void
  /** Told once, at each end: after `close` at either, or after a `cut`. */
  closed?(why: string): void
}

/**
 * One end of a message stream: a WebSocket as far as the machines above can tell. Whole messages, in
 * order, none lost while it lives; when it breaks, what is under way is lost.
 */
export class Stream {
  readonly remote: Address
  handlers: StreamHandlers = {}
  readonly #schedule: Schedule
  readonly #link: Link
  #peer!: Stream
  #open = true
  #deliverAfter = 0

  private constructor(schedule: Schedule, link: Link, remote: Address) {
    this.#schedule = schedule
    this.#link = link
    this.remote = remote
  }

  /** The two ends of a stream between two addresses. */
  static pair(
    schedule: Schedule,
    link: Link,
    client: Address,
    server: Address,
  ): [client: Stream, server: Stream] {
    const atClient = new Stream(schedule, link, server)
    const atServer = new Stream(schedule, link, client)
    atClient.#peer = atServer
    atServer.#peer = atClient
    return [atClient, atServer]
  }

  get isOpen(): boolean {
    return this.#open
  }

  send(text: string): void {
    if (!this.#open) return
    this.#later(() => {
      if (this.#peer.#open) this.#peer.handlers.message?.(text)
    })
  }

  /** Closes in order: what was sent before arrives first. */
  close(why = "closed"): void {
    if (!this.#open) return
    this.#later(() => this.#peer.#end(why))
    this.#end(why)
  }

  /** Breaks it: what is under way is lost, and the far end learns of it only after `noticed` ms. */
  cut(noticed: number): void {
    const peer = this.#peer
    const far = peer.handlers
    peer.handlers = { closed: why => far.closed?.(why) }
    this.#end("cut")
    this.#schedule.after(noticed, () => peer.#end("cut"))
  }

  /** Runs `act` at the far end, after everything that was sent before. */
  #later(act: () => void): void {
    const now = this.#schedule.now
    this.#deliverAfter = Math.max(this.#deliverAfter, now + this.#link.stream())
    this.#schedule.after(this.#deliverAfter - now, act)
  }

  #end(why: string): void {
    if (!this.#open) return
    this.#open = false
    this.handlers.closed?.(why)
  }
}
