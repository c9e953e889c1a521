import { type IceParameters, iceParameters } from "./ice-parameters.ts"
import {
  attributeValue,
  attributeValues,
  type MediaDescription,
  type SessionDescription,
} from "./session-description.ts"

/** RFC 8842 §5: who begins the DTLS handshake. */
export type DtlsSetup = "actpass" | "active" | "passive"

/** A session of one data channel association and nothing else (RFC 8841). */
export interface DataDescription {
  /** RFC 8866 §5.2: a number of up to 19 digits that tells this session from others. */
  readonly sessionId: string
  /** Raised by one with each new description of the session. */
  readonly version: number
  /** Of the section (RFC 5888). */
  readonly mid: string
  readonly ice: IceParameters
  /** `sha-256 AB:CD:…` (RFC 8122 §5), one for each hash and certificate. */
  readonly fingerprints: readonly string[]
  readonly setup: DtlsSetup
  /** RFC 8841 §5. */
  readonly sctpPort: number
  /** In bytes (RFC 8841 §6); 0 for any size. */
  readonly maxMessageSize: number
}

/** RFC 8841 §6.1: of whoever says nothing, in bytes. */
const DEFAULT_MAX_MESSAGE_SIZE = 65_536

/** Writes the offer or the answer of a data-only session (RFC 8829 §5.2.1). */
export function formatDataDescription(description: DataDescription): string {
  const { sessionId, version, mid, ice, fingerprints, setup, sctpPort, maxMessageSize } = description
  const lines = [
    "v=0",
    `o=- ${sessionId} ${version} IN IP4 0.0.0.0`,
    "s=-",
    "t=0 0",
    ...(ice.lite ? ["a=ice-lite"] : []),
    `a=group:BUNDLE ${mid}`,
    // The discard port and no address: candidates say where (RFC 8829 §5.2.1).
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
    "c=IN IP4 0.0.0.0",
    `a=mid:${mid}`,
    `a=ice-ufrag:${ice.ufrag}`,
    `a=ice-pwd:${ice.pwd}`,
    ...(ice.options.length > 0 ? [`a=ice-options:${ice.options.join(" ")}`] : []),
    ...fingerprints.map(fingerprint => `a=fingerprint:${fingerprint}`),
    `a=setup:${setup}`,
    `a=sctp-port:${sctpPort}`,
    `a=max-message-size:${maxMessageSize}`,
    ...ice.candidates.map(candidate => `a=${candidate}`),
    ...(ice.isComplete ? ["a=end-of-candidates"] : []),
  ]
  return `${lines.join("\r\n")}\r\n`
}

/** The first data section of a session that is not rejected, or why there is none to speak of. */
export function dataDescription(
  session: SessionDescription,
): Omit<DataDescription, "sessionId" | "version"> | string {
  const section = session.media.find(
    each => each.media === "application" && each.formats.includes("webrtc-datachannel") && !isRejected(each),
  )
  if (section === undefined) return "there is no m=application section with webrtc-datachannel"
  const of = (name: string) => attributeValue(name, section, session)
  const ice = iceParameters(session, section)
  if (ice === undefined) return "ice-ufrag and ice-pwd are missing or malformed"
  const fingerprints = attributeValues("fingerprint", section, session)
  if (fingerprints.length === 0) return "a=fingerprint is missing"
  const setup = of("setup") ?? "actpass"
  if (setup !== "actpass" && setup !== "active" && setup !== "passive")
    return `a=setup:${setup} is not supported`
  const sctpPort = numberOf(of("sctp-port"), 5000)
  const maxMessageSize = numberOf(of("max-message-size"), DEFAULT_MAX_MESSAGE_SIZE)
  if (sctpPort === undefined || sctpPort > 0xffff || maxMessageSize === undefined)
    return "a=sctp-port or a=max-message-size is no number"
  return { mid: of("mid") ?? "0", ice, fingerprints, setup, sctpPort, maxMessageSize }
}

/** RFC 3264 §6; what is bundled with another section may have no port of its own (RFC 9143 §6). */
function isRejected({ port, attributes }: MediaDescription): boolean {
  return port === 0 && !attributes.some(({ name }) => name === "bundle-only")
}

function numberOf(text: string | undefined, otherwise: number): number | undefined {
  if (text === undefined) return otherwise
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined
}
