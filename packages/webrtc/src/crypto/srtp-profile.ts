/** Protection profiles of DTLS-SRTP (RFC 5764 §4.1.2, RFC 7714 §14.2): DTLS agrees on one, SRTP uses it. */
export type SrtpProfile =
  | "AEAD_AES_128_GCM"
  | "AEAD_AES_256_GCM"
  | "AES128_CM_HMAC_SHA1_80"
  | "AES128_CM_HMAC_SHA1_32"

/** The number on the wire, and the lengths of key and salt in bytes. */
export const SRTP_PROFILES: Readonly<
  Record<SrtpProfile, { readonly code: number; readonly key: number; readonly salt: number }>
> = {
  AEAD_AES_128_GCM: { code: 0x0007, key: 16, salt: 12 },
  AEAD_AES_256_GCM: { code: 0x0008, key: 32, salt: 12 },
  AES128_CM_HMAC_SHA1_80: { code: 0x0001, key: 16, salt: 14 },
  AES128_CM_HMAC_SHA1_32: { code: 0x0002, key: 16, salt: 14 },
}

/** Of one direction. */
export interface SrtpMasterKey {
  readonly key: Uint8Array
  readonly salt: Uint8Array
}
