import { type Datagram, HEADROOM, TAILROOM } from "../contract/index.ts"
import type { PeerLimits } from "./options.ts"

/**
 * DTLS that came before the description that says whom to believe (RFC 8842 §5.4), or before there was a pair to answer
 * over. Where it is too much the newest is dropped: it is sent again.
 */
export class EarlyDatagrams {
  readonly #limits: PeerLimits
  #kept: Datagram[] = []
  #bytes = 0

  constructor(limits: PeerLimits) {
    this.#limits = limits
  }

  /** A copy. False where there is no room. */
  keep({ bytes, offset, length, path, ecn }: Datagram): boolean {
    const { earlyDatagrams, earlyBytes } = this.#limits
    if (this.#kept.length >= earlyDatagrams || this.#bytes + length > earlyBytes) return false
    const copy = new Uint8Array(HEADROOM + length + TAILROOM)
    copy.set(bytes.subarray(offset, offset + length), HEADROOM)
    this.#kept.push({ bytes: copy, view: new DataView(copy.buffer), offset: HEADROOM, length, path, ecn })
    this.#bytes += length
    return true
  }

  /** All of them, the oldest first. */
  take(): readonly Datagram[] {
    this.#bytes = 0
    return this.#kept.splice(0)
  }
}
