import { type Address, formatIp, parseIp } from "../bytes/index.ts"
import type { Candidate, CandidateType, TcpType } from "./candidate.ts"

/** Why the text of a candidate cannot be used. */
export type CandidateFault =
  /** Not of the grammar of RFC 8839 §5.1. */
  | "malformed"
  /** A name where an address must be, such as mDNS's `….local`: whoever may look it up does so before. */
  | "name"
  /** Legal, and of a transport, type or component that we do not have: to be ignored (RFC 8839 §5.1). */
  | "unknown"

/** The longest text that is looked at. Browsers write some 200 characters. */
export const MAX_CANDIDATE_LENGTH = 1024

const FOUNDATION = /^[A-Za-z0-9+/]{1,32}$/
const UFRAG = /^[A-Za-z0-9+/]{4,256}$/
const NUMBER = /^\d{1,10}$/
const TYPES: ReadonlySet<string> = new Set<CandidateType>(["host", "srflx", "prflx", "relay"])
const TCP_TYPES: ReadonlySet<string> = new Set<TcpType>(["active", "passive", "so"])

/**
 * Reads the value of a candidate attribute (RFC 8839 §5.1; RFC 6544 §4.5 for TCP), with or without `a=` and
 * `candidate:`. Extensions that are not known are skipped, as they must be.
 */
export function parseCandidate(text: string): Candidate | CandidateFault {
  if (text.length > MAX_CANDIDATE_LENGTH) return "malformed"
  const fields = text
    .trim()
    .replace(/^(a=)?candidate:/i, "")
    .split(/ +/)
  const [foundation, component, protocol, priority, ip, port, typ, type] = fields
  if (type === undefined || typ !== "typ" || !FOUNDATION.test(foundation!)) return "malformed"
  if (!isNumber(component!, 1, 256) || !isNumber(priority!, 0, 0xffffffff)) return "malformed"
  const extensions = extensionsOf(fields.slice(8))
  const address = addressOf(ip!, port!)
  if (extensions === undefined || typeof address === "string")
    return address === "name" ? "name" : "malformed"
  const transport = protocol!.toLowerCase()
  // Another component is nothing to us: who multiplexes has one (RFC 8843 §9.3).
  if ((transport !== "udp" && transport !== "tcp") || !TYPES.has(type) || component !== "1") return "unknown"
  const tcpType = extensions.get("tcptype")
  if (transport === "tcp" && (tcpType === undefined || !TCP_TYPES.has(tcpType))) return "unknown"
  const related = relatedOf(extensions)
  const ufrag = extensions.get("ufrag")
  return {
    foundation: foundation!,
    component: 1,
    transport,
    priority: Number(priority),
    address,
    type: type as CandidateType,
    ...(related === undefined ? {} : { related }),
    ...(transport === "tcp" ? { tcpType: tcpType as TcpType } : {}),
    ...(ufrag !== undefined && UFRAG.test(ufrag) ? { ufrag } : {}),
  }
}

/** As it is trickled: `candidate:…`, with the generation's ufrag (RFC 8838 §4.1). */
export function formatCandidate(candidate: Candidate, ufrag?: string): string {
  const { foundation, component, transport, priority, address, type, related, tcpType } = candidate
  const fields = [
    `candidate:${foundation} ${component} ${transport} ${priority} ${formatIp(address.ip)} ${address.port} typ ${type}`,
  ]
  if (related !== undefined) fields.push(`raddr ${formatIp(related.ip)} rport ${related.port}`)
  if (tcpType !== undefined) fields.push(`tcptype ${tcpType}`)
  if (ufrag !== undefined) fields.push(`ufrag ${ufrag}`)
  return fields.join(" ")
}

function extensionsOf(fields: readonly string[]): Map<string, string> | undefined {
  if (fields.length % 2 !== 0) return undefined
  const extensions = new Map<string, string>()
  for (let i = 0; i < fields.length; i += 2)
    if (!extensions.has(fields[i]!)) extensions.set(fields[i]!, fields[i + 1]!)
  return extensions
}

function relatedOf(extensions: ReadonlyMap<string, string>): Address | undefined {
  const ip = extensions.get("raddr")
  const port = extensions.get("rport")
  if (ip === undefined || port === undefined) return undefined
  const related = addressOf(ip, port)
  return typeof related === "string" ? undefined : related
}

function addressOf(ip: string, port: string): Address | "name" | "malformed" {
  if (!isNumber(port, 0, 65_535)) return "malformed"
  const parsed = parseIp(ip)
  if (parsed !== undefined) return { ip: parsed, port: Number(port) }
  return /^[A-Za-z0-9][A-Za-z0-9.-]*$/.test(ip) ? "name" : "malformed"
}

function isNumber(text: string, least: number, most: number): boolean {
  return NUMBER.test(text) && Number(text) >= least && Number(text) <= most
}
