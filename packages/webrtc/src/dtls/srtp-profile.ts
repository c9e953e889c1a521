import type { SrtpMasterKey, SrtpProfile } from "../crypto/index.ts"

export { SRTP_PROFILES, type SrtpMasterKey, type SrtpProfile } from "../crypto/index.ts"

/** AEAD first: it costs the least, and its tags are the longest. The short tags last, and as server alone. */
export const SRTP_PREFERENCE: readonly SrtpProfile[] = [
  "AEAD_AES_128_GCM",
  "AEAD_AES_256_GCM",
  "AES128_CM_HMAC_SHA1_80",
  "AES128_CM_HMAC_SHA1_32",
]

/** What both agreed on, and the master keys of both directions (RFC 5764 §4.2). */
export interface SrtpKeys {
  readonly profile: SrtpProfile
  readonly local: SrtpMasterKey
  readonly remote: SrtpMasterKey
}
