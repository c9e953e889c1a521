import type { Address } from "../bytes/index.ts"
import type { Transport } from "../contract/index.ts"
import { Attribute, type StunWriter } from "../stun/index.ts"

/** Another TURN server that clients can be sent to (RFC 8489 §10). */
export interface AlternateServer {
  readonly v4?: Address
  readonly v6?: Address
  /** The name in its certificate, where that is another than ours; for TLS. */
  readonly domain?: string
}

/** Where clients are sent to, by what they reach us over; who is told nothing stays. */
export type AlternateServers = Partial<Readonly<Record<Transport, AlternateServer>>>

/** A client that asks to be served. */
export interface Newcomer {
  readonly transport: Transport
  readonly address: Address
  /** Whether it authenticated itself with MESSAGE-INTEGRITY-SHA256, and so understands ALTERNATE-DOMAIN (RFC 8489 §10). */
  readonly readsDomain: boolean
}

/**
 * What tells a client where else to go; `undefined` for one that cannot be sent anywhere: the alternate has no address of
 * the family that it comes from, or another certificate, of which an older client cannot be told.
 */
export function alternateFor(
  alternates: AlternateServers,
  newcomer: Newcomer,
): ((writer: StunWriter) => void) | undefined {
  const { transport, address, readsDomain } = newcomer
  const alternate = alternates[transport]
  if (alternate === undefined) return undefined
  const [own, other] = address.ip.length === 4 ? [alternate.v4, alternate.v6] : [alternate.v6, alternate.v4]
  const domain = transport === "tls" ? alternate.domain : undefined
  if (own === undefined || (domain !== undefined && !readsDomain)) return undefined
  return writer => {
    // RFC 8489 §10: first of the client's family, then of the other.
    writer.address(Attribute.alternateServer, own.ip, own.port)
    if (other !== undefined) writer.address(Attribute.alternateServer, other.ip, other.port)
    if (domain !== undefined) writer.text(Attribute.alternateDomain, domain)
  }
}

/** RFC 8489 §14.16: a DNS name of at most 255 characters. Throws a TypeError that names what is none. */
export function checkAlternates(alternates: AlternateServers): void {
  for (const [transport, alternate] of Object.entries(alternates)) {
    const { v4, v6, domain } = alternate
    if (v4 !== undefined && v4.ip.length !== 4) throw new TypeError(`${transport}.v4: 4 bytes are needed`)
    if (v6 !== undefined && v6.ip.length !== 16) throw new TypeError(`${transport}.v6: 16 bytes are needed`)
    if (domain !== undefined && !/^[A-Za-z0-9.-]{1,255}$/.test(domain)) {
      throw new TypeError(`${transport}.domain: ${JSON.stringify(domain)} is no DNS name`)
    }
  }
}
