/** `name` or `name:value` of an `a=` line (RFC 8866 §5.13). */
export interface Attribute {
  readonly name: string
  /** `undefined` of a property attribute, which is there or not. */
  readonly value: string | undefined
}

/** What begins with an `m=` line (RFC 8866 §5.14). */
export interface MediaDescription {
  /** `audio`, `video`, `application`. */
  readonly media: string
  /** 0 where the section is rejected (RFC 3264 §6), or bundled without an address of its own (RFC 8843 §6). */
  readonly port: number
  /** `UDP/DTLS/SCTP`, `UDP/TLS/RTP/SAVPF`. */
  readonly protocol: string
  /** Payload types, or `webrtc-datachannel`. */
  readonly formats: readonly string[]
  readonly attributes: readonly Attribute[]
}

/** What of a session description (RFC 8866) means anything to WebRTC; the rest of its lines is skipped. */
export interface SessionDescription {
  readonly attributes: readonly Attribute[]
  readonly media: readonly MediaDescription[]
}

/** Why a text is no session description, and in which line, counted from 1. */
export interface SdpFault {
  readonly line: number
  readonly why: string
}

/** Characters. Browsers write some 10,000 for audio, video and data. */
export const MAX_SDP_LENGTH = 1_000_000

const MEDIA_LINE = /^(\S+) (\d{1,5})(?:\/\d+)? (\S+) (\S.*)$/

/** Reads a session description. Lines may end in LF alone, as they often do (RFC 8866 §5). */
export function parseSdp(text: string): SessionDescription | SdpFault {
  if (text.length > MAX_SDP_LENGTH) return { line: 1, why: `longer than ${MAX_SDP_LENGTH} characters` }
  const attributes: Attribute[] = []
  const media: (MediaDescription & { readonly attributes: Attribute[] })[] = []
  const lines = text.split(/\r?\n/)
  if (!lines[0]!.startsWith("v=0")) return { line: 1, why: "v=0 is not the first line" }
  for (const [index, line] of lines.entries()) {
    if (line === "") continue
    const fault = (why: string): SdpFault => ({ line: index + 1, why })
    if (!/^[a-z]=/.test(line)) return fault("not of the form x=…")
    const value = line.slice(2)
    if (line[0] === "m") {
      const [, kind, port, protocol, formats] = MEDIA_LINE.exec(value) ?? []
      if (formats === undefined || Number(port) > 0xffff)
        return fault("an m= line needs a kind, a port, a protocol and formats")
      media.push({
        media: kind!,
        port: Number(port),
        protocol: protocol!,
        formats: formats.trim().split(/ +/),
        attributes: [],
      })
    } else if (line[0] === "a") (media.at(-1)?.attributes ?? attributes).push(attributeOf(value))
  }
  return { attributes, media }
}

/** The value of the first attribute of that name: a section's own, else the session's where it has one. */
export function attributeValue(
  name: string,
  section: MediaDescription,
  session?: SessionDescription,
): string | undefined {
  return attributeValues(name, section, session)[0]
}

/** The values of all attributes of that name: a section's own, else the session's (RFC 8122 §5). */
export function attributeValues(
  name: string,
  section: MediaDescription,
  session?: SessionDescription,
): readonly string[] {
  const of = (attributes: readonly Attribute[]) =>
    attributes.flatMap(attribute => (attribute.name === name ? (attribute.value ?? []) : []))
  const own = of(section.attributes)
  return own.length > 0 || session === undefined ? own : of(session.attributes)
}

function attributeOf(text: string): Attribute {
  const colon = text.indexOf(":")
  return colon < 0
    ? { name: text, value: undefined }
    : { name: text.slice(0, colon), value: text.slice(colon + 1) }
}
