import type { Datagram } from "../contract/index.ts"
import type { TransportCrypto } from "../crypto/index.ts"
import type { Certificate, DtlsOptions, Fingerprint } from "../dtls/index.ts"
import type { IceAgentOptions, RemoteDescription } from "../ice/index.ts"
import type { DtlsSetup } from "../sdp/index.ts"
import type { PeerOut } from "./events.ts"
import type { OwnSetup } from "./setup.ts"

export interface PeerOptions {
  readonly crypto: TransportCrypto
  /** Whose fingerprint the other end is told. */
  readonly certificate: Certificate
  readonly ice: Omit<IceAgentOptions, "crypto" | "onData">
  readonly dtls?: Pick<
    DtlsOptions,
    "versions" | "groups" | "aeads" | "srtp" | "connectionId" | "mtu" | "limits"
  >
  /** What we are where the other end leaves it to us. Default "active": half a round trip is won (RFC 8842 §5.3). */
  readonly setup?: OwnSetup
  /** Takes what came through DTLS, in place: `d` is valid during the call only. */
  readonly onData?: (d: Datagram, now: number, out: PeerOut) => void
  /** As `onData`, of RTP packets whose protection was taken off. */
  readonly onRtp?: (d: Datagram, now: number, out: PeerOut) => void
  /** As `onRtp`, of compound RTCP packets. */
  readonly onRtcp?: (d: Datagram, now: number, out: PeerOut) => void
  readonly limits?: Partial<PeerLimits>
}

export interface PeerLimits {
  /** DTLS datagrams that came before they can be heard, and are kept. */
  readonly earlyDatagrams: number
  /** Of those, in bytes together. */
  readonly earlyBytes: number
}

export const DEFAULT_LIMITS: PeerLimits = {
  earlyDatagrams: 16,
  earlyBytes: 32_768,
}

/** What the other end's description says. */
export interface RemotePeer {
  readonly ice: RemoteDescription
  /** Its certificate must be one of these. */
  readonly fingerprints: readonly Fingerprint[]
  readonly setup: DtlsSetup
}

/** Completes limits with the defaults. Throws a RangeError that names the one that makes no sense. */
export function withDefaultLimits(limits: Partial<PeerLimits> = {}): PeerLimits {
  const complete = { ...DEFAULT_LIMITS, ...limits }
  for (const [name, value] of Object.entries(complete))
    if (!Number.isSafeInteger(value) || value < 0)
      throw new RangeError(`limits.${name}: ${value} is no number of 0 or more`)
  return complete
}
