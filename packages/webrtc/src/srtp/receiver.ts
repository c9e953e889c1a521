import { readUint16, readUint32 } from "../bytes/index.ts"
import type { Ciphers, SrtpMasterKey, SrtpProfile } from "../crypto/index.ts"
import { CRYPTEX_CLEAR, isHidden, markShown } from "./cryptex.ts"
import { EXHAUSTED, EXPOSED, FORGED, MALFORMED, REPLAYED, TOO_MANY_STREAMS } from "./fault.ts"
import { DEFAULT_LIMITS, type SrtpLimits } from "./limits.ts"
import { packetIndex } from "./packet-index.ts"
import { csrcLength, hasExtension, headerLength, isRtcp } from "./rtp-header.ts"
import { closeSession, createSession, type Session } from "./session.ts"
import { Streams } from "./streams.ts"
import { ENCRYPTED } from "./transform.ts"

export interface SrtpReceiverOptions {
  /**
   * Whether CSRCs and header extensions may be hidden (RFC 9335), or must be: then what shows them is refused. Only where
   * both said that they can. Default "no".
   */
  readonly cryptex?: "no" | "accept" | "require"
  /** Ids of header extensions that are encrypted (RFC 6904), in packets without cryptex. */
  readonly encryptedExtensions?: readonly number[]
  readonly limits?: Partial<SrtpLimits>
}

/** Takes off the protection of what the other end sends with one master key (RFC 3711), in place. */
export class SrtpReceiver {
  readonly #session: Session
  readonly #cryptex: "no" | "accept" | "require"
  readonly #limits: SrtpLimits
  readonly #streams: Streams

  /** `crypto` may be all of `TransportCrypto`. Throws a TypeError for a key that is not of `profile`. */
  constructor(
    crypto: Ciphers,
    master: SrtpMasterKey,
    profile: SrtpProfile,
    options: SrtpReceiverOptions = {},
  ) {
    this.#session = createSession(crypto, master, profile, options.encryptedExtensions ?? [])
    this.#cryptex = options.cryptex ?? "no"
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits }
    this.#streams = new Streams(this.#limits.streams)
  }

  /**
   * Of the SRTP packet at `at`. Returns the length of the RTP packet that it is then, or an `SrtpFault`. Only what is
   * authentic is remembered.
   */
  unprotect(bytes: Uint8Array, at: number, length: number): number {
    const { rtp, headerExtensions } = this.#session
    const plain = length - rtp.overhead
    const header = headerLength(bytes, at, plain)
    if (header < 0) return MALFORMED
    const hidden = this.#cryptex !== "no" && isHidden(bytes, at)
    const csrcs = csrcLength(bytes, at)
    if (this.#cryptex === "require" && !hidden && (csrcs > 0 || hasExtension(bytes, at))) return EXPOSED
    const ssrc = readUint32(bytes, at + 8)
    const stream = this.#streams.get(ssrc)
    if (stream === undefined && this.#streams.isFull) return TOO_MANY_STREAMS
    const index = packetIndex(stream === undefined ? -1 : stream.rtp.highest, readUint16(bytes, at + 2))
    if (index >= this.#limits.packets) return EXHAUSTED
    if (stream !== undefined && !stream.rtp.isNew(index)) return REPLAYED
    const isOpen = hidden
      ? rtp.open(bytes, at, plain, CRYPTEX_CLEAR, csrcs, ssrc, index)
      : rtp.open(bytes, at, plain, header, 0, ssrc, index)
    if (!isOpen) return FORGED
    const known = stream ?? this.#streams.add(ssrc)
    known.rtp.add(index)
    if (hidden) markShown(bytes, at)
    else if (headerExtensions !== undefined && !headerExtensions.apply(bytes, at, ssrc, index))
      return MALFORMED
    return plain
  }

  /** As `unprotect`, of a compound RTCP packet. */
  unprotectRtcp(bytes: Uint8Array, at: number, length: number): number {
    const { rtcp } = this.#session
    const plain = length - rtcp.overhead
    if (!isRtcp(bytes, at, plain)) return MALFORMED
    const word = readUint32(bytes, at + plain + rtcp.indexAt)
    if (word < ENCRYPTED) return EXPOSED
    const index = word - ENCRYPTED
    if (index >= this.#limits.rtcpPackets) return EXHAUSTED
    const ssrc = readUint32(bytes, at + 4)
    const stream = this.#streams.get(ssrc)
    if (stream === undefined && this.#streams.isFull) return TOO_MANY_STREAMS
    if (stream !== undefined && !stream.rtcp.isNew(index)) return REPLAYED
    if (!rtcp.open(bytes, at, plain, ssrc, index)) return FORGED
    const known = stream ?? this.#streams.add(ssrc)
    known.rtcp.add(index)
    return plain
  }

  /** Forgets the keys. It is not used again. */
  close(): void {
    closeSession(this.#session)
  }
}
