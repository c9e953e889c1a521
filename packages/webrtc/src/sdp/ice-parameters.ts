import { attributeValue, type MediaDescription, type SessionDescription } from "./session-description.ts"

/** What a section says of ICE (RFC 8839 §5), for `IceAgent.setRemote` and `addRemoteCandidate`. */
export interface IceParameters {
  readonly ufrag: string
  readonly pwd: string
  /** The other agent only answers (RFC 8839 §5.3). */
  readonly lite: boolean
  /** `trickle`, `renomination`, `ice2`. */
  readonly options: readonly string[]
  /** As text, `candidate:…`. */
  readonly candidates: readonly string[]
  /** `end-of-candidates` (RFC 8840 §8.2), or no trickling at all. */
  readonly isComplete: boolean
}

const CREDENTIAL = /^[A-Za-z0-9+/]+$/

/** `undefined` where there are no credentials, or none that RFC 8839 §5.4 allows. */
export function iceParameters(
  session: SessionDescription,
  section: MediaDescription,
): IceParameters | undefined {
  const ufrag = attributeValue("ice-ufrag", section, session)
  const pwd = attributeValue("ice-pwd", section, session)
  if (!isCredential(ufrag, 4) || !isCredential(pwd, 22)) return undefined
  const options = attributeValue("ice-options", section, session)?.trim().split(/ +/) ?? []
  const named = (name: string) => section.attributes.filter(attribute => attribute.name === name)
  return {
    ufrag,
    pwd,
    lite: session.attributes.some(({ name }) => name === "ice-lite"),
    options,
    candidates: named("candidate").map(({ value }) => `candidate:${value ?? ""}`),
    isComplete: named("end-of-candidates").length > 0 || !options.includes("trickle"),
  }
}

function isCredential(text: string | undefined, least: number): text is string {
  return text !== undefined && text.length >= least && text.length <= 256 && CREDENTIAL.test(text)
}
