export interface SrtpLimits {
  /** SSRCs of one key, in one direction. None is forgotten while the key lives: its ROC would begin anew. */
  readonly streams: number
  /** Packets of one SSRC (RFC 3711 §9.2, RFC 7714 §10). */
  readonly packets: number
  /** The same of RTCP. */
  readonly rtcpPackets: number
}

export const DEFAULT_LIMITS: SrtpLimits = { streams: 4_096, packets: 2 ** 48, rtcpPackets: 2 ** 31 }
