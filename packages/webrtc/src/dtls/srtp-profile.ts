import type { SrtpMasterKey, SrtpProfile } from "../crypto/index.ts"

export { SRTP_PROFILES, type SrtpMasterKey, type SrtpProfile } from "../crypto/index.ts"

/** What both agreed on, and the master keys of both directions (RFC 5764 §4.2). */
export interface SrtpKeys {
  readonly profile: SrtpProfile
  readonly local: SrtpMasterKey
  readonly remote: SrtpMasterKey
}
