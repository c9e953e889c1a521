import type { Datagram, Path } from "../contract/index.ts"
import type { AeadAlgorithm, Group, TransportCrypto } from "../crypto/index.ts"
import type { Certificate } from "./certificate.ts"
import type { DtlsOut } from "./events.ts"
import type { Fingerprint } from "./fingerprint.ts"
import type { SrtpProfile } from "./srtp-profile.ts"

export type DtlsVersion = "1.2" | "1.3"

export interface DtlsOptions {
  readonly crypto: TransportCrypto
  readonly role: "client" | "server"
  readonly certificate: Certificate
  /**
   * What the other end's certificate must be, one of them (RFC 8122 §5, RFC 8827 §6.5). "anybody": a server that asks for
   * no certificate, such as TURN's.
   */
  readonly remote: readonly Fingerprint[] | "anybody"
  /** Offered or taken. Default both. */
  readonly versions?: readonly DtlsVersion[]
  /** In order of preference; a client sends shares of the first two. Default those of `crypto`. */
  readonly groups?: readonly Group[]
  /** Of record protection, in order of preference. Default those of `crypto`. */
  readonly aeads?: readonly AeadAlgorithm[]
  /**
   * In order of preference, as `SRTP_PREFERENCE`; none of them means no `use_srtp`. A client never offers
   * AES128_CM_HMAC_SHA1_32. Default none.
   */
  readonly srtp?: readonly SrtpProfile[]
  /** What the other end is to write before its records (RFC 9146, RFC 9147 §9); may be empty. Default: not offered, not taken. */
  readonly connectionId?: Uint8Array
  /** Where everything is sent. Whoever sends it elsewhere, as ICE does, needs none. */
  readonly path?: Path
  /** The most bytes of a datagram of a handshake. Default 1,200. */
  readonly mtu?: number
  /** Takes what the other end sent, in place: `d` is valid during the call only. */
  readonly onData: (d: Datagram, now: number, out: DtlsOut) => void
  readonly limits?: Partial<DtlsLimits>
}

export interface DtlsLimits {
  /** A handshake message, in bytes. */
  readonly message: number
  /** Pieces of one message that are kept until the rest comes. */
  readonly fragments: number
  /** Messages that are kept for one that comes before them. */
  readonly messagesAhead: number
  /** Records that are kept until their keys are known, as of a datagram that overtook another. */
  readonly recordsAhead: number
  /** A handshake, in ms. */
  readonly handshake: number
  /** Before the first retransmission, where no round trip is known, in ms (RFC 9147 §5.8.2). */
  readonly firstRetransmission: number
  /** Between two retransmissions at most, in ms. */
  readonly retransmission: number
  /** Records that are sent with one key before it is replaced, where that can be (RFC 9147 §4.5.3). */
  readonly sealed: number
  /** Records that did not open with one key, before the connection is given up (RFC 9147 §4.5.3). */
  readonly forged: number
}

export const DEFAULT_LIMITS: DtlsLimits = {
  message: 32_768,
  fragments: 64,
  messagesAhead: 8,
  recordsAhead: 16,
  handshake: 60_000,
  firstRetransmission: 400,
  retransmission: 1_500,
  sealed: 2 ** 24,
  forged: 2 ** 36,
}
