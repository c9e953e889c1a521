export { type Certificate, type CertificateOptions, selfSignedCertificate } from "./certificate.ts"
export { DtlsConnection } from "./connection.ts"
export type { DtlsEvent, DtlsOut, DtlsState } from "./events.ts"
export {
  type Fingerprint,
  type FingerprintAlgorithm,
  fingerprintOf,
  formatFingerprint,
  matchesFingerprint,
  parseFingerprint,
} from "./fingerprint.ts"
export {
  DEFAULT_LISTENER_LIMITS,
  DtlsListener,
  type DtlsListenerEvent,
  type DtlsListenerLimits,
  type DtlsListenerOptions,
} from "./listener.ts"
export { DEFAULT_LIMITS, type DtlsLimits, type DtlsOptions, type DtlsVersion } from "./options.ts"
export {
  SRTP_PREFERENCE,
  SRTP_PROFILES,
  type SrtpKeys,
  type SrtpMasterKey,
  type SrtpProfile,
} from "./srtp-profile.ts"
