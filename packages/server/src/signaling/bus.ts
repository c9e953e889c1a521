import type { RoomEvent } from "./room.ts"

/**
 * What carries a room's events between those that serve it. One law: every subscriber of a room, the
 * publisher included, receives the same events in the same order. Everything that all must agree on
 * goes this way, even in one process.
 */
export interface Bus {
  publish(room: string, event: RoomEvent): void
  /** Returns how to unsubscribe. `deliver` is never called from inside `publish` or `subscribe`. */
  subscribe(room: string, deliver: (event: RoomEvent) => void): () => void
}

/** The bus of one process. `later` runs what it is given after the current call: `queueMicrotask`, or a simulated clock's. */
export class MemoryBus implements Bus {
  readonly #subscribers = new Map<string, Set<(event: RoomEvent) => void>>()
  readonly #later: (act: () => void) => void
  readonly #queue: { room: string; event: RoomEvent }[] = []
  /** How many of the queue were delivered. */
  #delivered = 0

  constructor(later: (act: () => void) => void) {
    this.#later = later
  }

  publish(room: string, event: RoomEvent): void {
    if (this.#queue.push({ room, event }) === 1) this.#later(this.#deliver)
  }

  subscribe(room: string, deliver: (event: RoomEvent) => void): () => void {
    const subscribers = this.#subscribers.get(room) ?? new Set()
    this.#subscribers.set(room, subscribers.add(deliver))
    return () => {
      subscribers.delete(deliver)
      if (subscribers.size === 0 && this.#subscribers.get(room) === subscribers)
        this.#subscribers.delete(room)
    }
  }

  /** One event a turn: what is published meanwhile joins the end, and one that fails takes no other with it. */
  readonly #deliver = (): void => {
    const { room, event } = this.#queue[this.#delivered++]!
    if (this.#delivered < this.#queue.length) this.#later(this.#deliver)
    else {
      this.#queue.length = 0
      this.#delivered = 0
    }
    for (const deliver of this.#subscribers.get(room) ?? []) deliver(event)
  }
}
