import type { Clock } from "./environment.ts"
import { Inbox } from "./numbering.ts"
import { Outgoing } from "./outgoing.ts"

/** How long what was said to somebody whose link is gone is kept, ms, and of how many at most. */
const PATIENCE = 120_000
const MAX_LOST = 64

/** The reliable messages between us and one peer. It outlives connections and participant ids. */
export class Delivery {
  /** Names what we say, so that the peer notices when we begin anew. */
  readonly stream: string
  readonly outgoing: Outgoing = new Outgoing()
  /** What the peer says, as they named it. */
  heard = ""
  inbox: Inbox = new Inbox()
  /** The participant id of the peer when last reached. */
  participant: string
  /** Tells the link that uses it that another does now. */
  release: () => void

  constructor(participant: string, clock: Clock, release: () => void) {
    this.participant = participant
    this.stream = clock.random().toString(36)
    this.release = release
  }
}

/** The deliveries of one stay in a room, by the certificates that the peers have shown. */
export class Deliveries {
  readonly #clock: Clock
  readonly #known = new Map<string, Delivery>()
  /** Whose link is gone: how not to forget them, and whether they are expected back. */
  readonly #lost = new Map<Delivery, { readonly cancel: () => void; readonly expected: boolean }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  find(certificate: string): Delivery | undefined {
    return this.#known.get(certificate)
  }

  /** It is this peer's, who is here. */
  keep(certificate: string, delivery: Delivery): void {
    if (certificate !== "") this.#known.set(certificate, delivery)
    this.#lost.get(delivery)?.cancel()
    this.#lost.delete(delivery)
  }

  /**
   * Its link is gone: it is kept for a while, should the peer come back. One that was never reached is known by the
   * `certificate` that it described. That may be another's, who then gets what was meant for the liar, and the liar
   * nothing that was meant for them.
   */
  lose(delivery: Delivery, certificate: string, expected: boolean): void {
    const reached = [...this.#known.values()].includes(delivery)
    const lost = reached ? delivery : (this.find(certificate) ?? delivery)
    if (lost !== delivery) lost.outgoing.adopt(delivery.outgoing)
    if (lost !== delivery && !this.#lost.has(lost)) return
    if (!reached) this.keep(certificate, lost)
    this.#lost.get(lost)?.cancel()
    const cancel = this.#clock.after(PATIENCE, () => this.#forget(lost))
    this.#lost.set(lost, { cancel, expected })
    if (this.#lost.size > MAX_LOST) this.#forget(this.#lost.keys().next().value!)
  }

  /** Those who were here when the room was lost to us, and were not seen since. */
  get expected(): Delivery[] {
    return [...this.#lost.keys()].filter(each => this.#lost.get(each)!.expected)
  }

  clear(): void {
    for (const delivery of this.#lost.keys()) this.#forget(delivery)
    this.#known.clear()
  }

  #forget(delivery: Delivery): void {
    this.#lost.get(delivery)?.cancel()
    this.#lost.delete(delivery)
    for (const [certificate, each] of this.#known) if (each === delivery) this.#known.delete(certificate)
  }
}
