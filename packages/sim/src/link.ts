import type { Random } from "./random.ts"

/** What a plain link does to what crosses it, each way alike. */
export interface LinkOptions {
  /** One way, ms. Default 10. */
  readonly delay?: number
  /** Added to the delay, uniformly from 0 up to this, ms. Reorders datagrams. Default 0. */
  readonly jitter?: number
  /** The share of datagrams lost, 0–1. Default 0. */
  readonly loss?: number
  /** The share of datagrams that arrive twice, 0–1. Default 0. */
  readonly duplication?: number
}

/** How long a stream takes to send again what the link lost, ms: TCP's least retransmission time on Linux. */
const STREAM_RETRANSMIT = 200

export class Link {
  readonly #delay: number
  readonly #jitter: number
  readonly #loss: number
  readonly #duplication: number
  readonly #random: Random

  constructor({ delay = 10, jitter = 0, loss = 0, duplication = 0 }: LinkOptions, random: Random) {
    this.#delay = delay
    this.#jitter = jitter
    this.#loss = loss
    this.#duplication = duplication
    this.#random = random
  }

  /** The delay of one datagram in ms, or `undefined` when it is lost. */
  datagram(): number | undefined {
    return this.#random.chance(this.#loss) ? undefined : this.#once()
  }

  /** Whether a datagram arrives a second time, with a delay of its own. */
  duplicates(): boolean {
    return this.#duplication > 0 && this.#random.chance(this.#duplication)
  }

  /** The delay of one message on a stream, ms: what is lost is sent again, so it comes late instead. */
  stream(): number {
    let delay = this.#once()
    while (this.#random.chance(Math.min(this.#loss, 0.9))) delay += STREAM_RETRANSMIT
    return delay
  }

  #once(): number {
    return this.#delay + this.#random.float() * this.#jitter
  }
}
