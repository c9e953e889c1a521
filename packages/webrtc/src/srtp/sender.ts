import { readUint16, readUint32 } from "../bytes/index.ts"
import type { Ciphers, SrtpMasterKey, SrtpProfile } from "../crypto/index.ts"
import { CRYPTEX_CLEAR, canHide, markHidden } from "./cryptex.ts"
import { EXHAUSTED, MALFORMED, REPLAYED, TOO_MANY_STREAMS } from "./fault.ts"
import { DEFAULT_LIMITS, type SrtpLimits } from "./limits.ts"
import { packetIndex } from "./packet-index.ts"
import { csrcLength, EXTENSION_HEADER, headerLength, isRtcp } from "./rtp-header.ts"
import { closeSession, createSession, type Session } from "./session.ts"
import { type Stream, Streams } from "./streams.ts"

export interface SrtpSenderOptions {
  /** Hides CSRCs and header extensions (RFC 9335). Only where both said that they can. Default false. */
  readonly cryptex?: boolean
  /** Ids of header extensions to encrypt (RFC 6904). Never together with `cryptex`. */
  readonly encryptedExtensions?: readonly number[]
  readonly limits?: Partial<SrtpLimits>
}

/** Protects what one end sends with one master key (RFC 3711), in place. */
export class SrtpSender {
  /** Bytes that protection adds to RTP at most, for which there must be room behind the packet. */
  readonly overhead: number
  /** The same of RTCP. */
  readonly rtcpOverhead: number
  readonly #session: Session
  readonly #cryptex: boolean
  readonly #limits: SrtpLimits
  readonly #streams: Streams

  /** `crypto` may be all of `TransportCrypto`. Throws a TypeError for a key that is not of `profile`. */
  constructor(crypto: Ciphers, master: SrtpMasterKey, profile: SrtpProfile, options: SrtpSenderOptions = {}) {
    const { cryptex = false, encryptedExtensions = [] } = options
    if (cryptex && encryptedExtensions.length > 0)
      throw new TypeError(
        "encryptedExtensions: with cryptex all of them are, and never both ways (RFC 9335 §4)",
      )
    this.#session = createSession(crypto, master, profile, encryptedExtensions)
    this.#cryptex = cryptex
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits }
    this.#streams = new Streams(this.#limits.streams)
    this.overhead = this.#session.rtp.overhead + (cryptex ? EXTENSION_HEADER : 0)
    this.rtcpOverhead = this.#session.rtcp.overhead
  }

  /**
   * Protects the RTP packet at `at`. Returns its new length, or an `SrtpFault`: then nothing was changed. Each sequence number
   * may be sent once: what is to be sent again is what was returned the first time.
   */
  protect(bytes: Uint8Array, at: number, length: number): number {
    const header = headerLength(bytes, at, length)
    if (header < 0) return MALFORMED
    const ssrc = readUint32(bytes, at + 8)
    const stream = this.#streamOf(ssrc)
    if (stream === undefined) return TOO_MANY_STREAMS
    const index = packetIndex(stream.rtp.highest, readUint16(bytes, at + 2))
    if (index >= this.#limits.packets) return EXHAUSTED
    if (!stream.rtp.isNew(index)) return REPLAYED
    const { rtp, headerExtensions } = this.#session
    if (headerExtensions !== undefined && !headerExtensions.apply(bytes, at, ssrc, index)) return MALFORMED
    stream.rtp.add(index)
    if (this.#cryptex && canHide(bytes, at)) {
      const grown = markHidden(bytes, at, length)
      rtp.seal(bytes, at, grown, CRYPTEX_CLEAR, csrcLength(bytes, at), ssrc, index)
      return grown + rtp.overhead
    }
    rtp.seal(bytes, at, length, header, 0, ssrc, index)
    return length + rtp.overhead
  }

  /** As `protect`, of a compound RTCP packet. */
  protectRtcp(bytes: Uint8Array, at: number, length: number): number {
    if (!isRtcp(bytes, at, length)) return MALFORMED
    const ssrc = readUint32(bytes, at + 4)
    const stream = this.#streamOf(ssrc)
    if (stream === undefined) return TOO_MANY_STREAMS
    const index = stream.rtcp.highest + 1
    if (index >= this.#limits.rtcpPackets) return EXHAUSTED
    stream.rtcp.add(index)
    const { rtcp } = this.#session
    rtcp.seal(bytes, at, length, ssrc, index)
    return length + rtcp.overhead
  }

  /** Forgets the keys. It is not used again. */
  close(): void {
    closeSession(this.#session)
  }

  #streamOf(ssrc: number): Stream | undefined {
    return this.#streams.get(ssrc) ?? (this.#streams.isFull ? undefined : this.#streams.add(ssrc))
  }
}
