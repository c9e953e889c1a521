import { type Address, formatAddress } from "../bytes/index.ts"

/** RFC 8445 §5.1.1: where the address comes from. */
export type CandidateType = "host" | "srflx" | "prflx" | "relay"

/** RFC 6544 §4.5. */
export type TcpType = "active" | "passive" | "so"

/** A transport address that data might reach an agent at (RFC 8445 §4). One component: RTP and RTCP share it. */
export interface Candidate {
  /** At most 32 characters; equal where type, base, server and transport are (RFC 8445 §5.1.1.3). */
  readonly foundation: string
  readonly component: number
  readonly transport: "udp" | "tcp"
  /** 1 to 2^31 − 1 (RFC 8445 §5.1.2). */
  readonly priority: number
  readonly address: Address
  readonly type: CandidateType
  /** The base of what is reflexive, the mapped address of what is relayed: for diagnosis only (RFC 8839 §5.1). */
  readonly related?: Address
  readonly tcpType?: TcpType
  /** What the TURN server of one of our relayed candidates is reached over. */
  readonly relayTransport?: "udp" | "tcp" | "tls"
  /** The generation that it belongs to, where its text says so (RFC 8838 §4.1). */
  readonly ufrag?: string
}

/** RTP and RTCP are multiplexed, so there is one. */
export const COMPONENT = 1

/** RFC 8445 §5.1.2.2. */
const TYPE_PREFERENCE: Readonly<Record<CandidateType, number>> = {
  host: 126,
  prflx: 110,
  srflx: 100,
  relay: 0,
}

/** UDP is preferred, so TCP of each kind stands below every kind of UDP but the relayed (RFC 6544 §4.2). */
const TCP_TYPE_PREFERENCE: Readonly<Record<CandidateType, number>> = {
  host: 90,
  prflx: 80,
  srflx: 70,
  relay: 0,
}

/** Of relayed candidates: what is reached over UDP has the shortest queue behind a loss. */
const RELAY_TYPE_PREFERENCE = { udp: 2, tcp: 1, tls: 0 } as const

/** RFC 6544 §4.2, for host candidates. */
const DIRECTION_PREFERENCE: Readonly<Record<TcpType, number>> = { active: 6, passive: 4, so: 2 }

export interface Preference {
  readonly type: CandidateType
  /** 0 for the address that is liked best (RFC 8421 §4), at most `MAX_RANK`. */
  readonly rank: number
  readonly tcpType?: TcpType
  readonly relayTransport?: "udp" | "tcp" | "tls"
}

/** As many addresses as can be told apart where TCP's direction takes three bits of the local preference. */
export const MAX_RANK = 8191

/** RFC 8445 §5.1.2.1, with the local preference of RFC 6544 §4.2 for TCP. */
export function candidatePriority({ type, rank, tcpType, relayTransport }: Preference): number {
  if (tcpType !== undefined)
    return priority(TCP_TYPE_PREFERENCE[type], DIRECTION_PREFERENCE[tcpType] * 0x2000 + MAX_RANK - rank)
  const preference =
    relayTransport === undefined ? TYPE_PREFERENCE[type] : RELAY_TYPE_PREFERENCE[relayTransport]
  return priority(preference, 0xffff - rank)
}

function priority(typePreference: number, localPreference: number): number {
  return typePreference * 0x1000000 + localPreference * 0x100 + (256 - COMPONENT)
}

/** Whether it names one port of one host, as everything that can be sent to does: no group, no network, not nobody. */
export function isOfOneHost({ address: { ip, port }, tcpType }: Candidate): boolean {
  // Who connects says no port (RFC 6544 §4.5).
  if (port === 0 && tcpType !== "active") return false
  if (ip.every(byte => byte === 0)) return false
  // 224.0.0.0/4 and 240.0.0.0/4 with the broadcast address; ff00::/8.
  return ip.length === 4 ? ip[0]! < 224 : ip[0] !== 0xff
}

/** For people: `udp host 192.0.2.1:5000`. */
export function describeCandidate({ transport, type, address }: Candidate): string {
  return `${transport} ${type} ${formatAddress(address)}`
}
