import { ReplayWindow } from "../bytes/index.ts"

/** What is known of one SSRC: the indices that were used with it. */
export class Stream {
  readonly ssrc: number
  readonly rtp: ReplayWindow = new ReplayWindow()
  readonly rtcp: ReplayWindow = new ReplayWindow()

  constructor(ssrc: number) {
    this.ssrc = ssrc
  }
}

/**
 * The SSRCs of one key. None is ever forgotten: an SSRC that comes back, after another was used for a while, goes on with
 * the ROC that it had. It would otherwise use the nonces of its first packets again.
 */
export class Streams {
  readonly #limit: number
  readonly #bySsrc = new Map<number, Stream>()
  /** Packets mostly come in runs of one stream. */
  #latest: Stream | undefined

  constructor(limit: number) {
    this.#limit = limit
  }

  get isFull(): boolean {
    return this.#bySsrc.size >= this.#limit
  }

  get(ssrc: number): Stream | undefined {
    if (this.#latest !== undefined && this.#latest.ssrc === ssrc) return this.#latest
    const stream = this.#bySsrc.get(ssrc)
    if (stream !== undefined) this.#latest = stream
    return stream
  }

  /** Only where `get` found none, and there is room. */
  add(ssrc: number): Stream {
    const stream = new Stream(ssrc)
    this.#bySsrc.set(ssrc, stream)
    this.#latest = stream
    return stream
  }
}
