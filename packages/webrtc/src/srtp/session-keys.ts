import type { Ciphers, SrtpMasterKey } from "../crypto/index.ts"

/** RFC 3711 §4.3.2, and RFC 6904 §3 for the last two. */
export const LABEL = {
  rtpEncryption: 0,
  rtpAuthentication: 1,
  rtpSalt: 2,
  rtcpEncryption: 3,
  rtcpAuthentication: 4,
  rtcpSalt: 5,
  headerEncryption: 6,
  headerSalt: 7,
} as const

export type Label = (typeof LABEL)[keyof typeof LABEL]

/** Where the label is XORed to the master salt, as the key derivation rate is zero (RFC 3711 §4.3.1). */
const LABEL_AT = 7

/**
 * `length` bytes of a session key (RFC 3711 §4.3.3): the keystream of counter mode with the master key. A longer master key
 * makes it RFC 6188's; a salt of 12 bytes has zeros behind (RFC 7714 §11).
 */
export function sessionKey(
  crypto: Pick<Ciphers, "counterMode">,
  master: SrtpMasterKey,
  label: Label,
  length: number,
): Uint8Array {
  const iv = new Uint8Array(16)
  iv.set(master.salt)
  iv[LABEL_AT]! ^= label
  const keystream = new Uint8Array(length)
  const counterMode = crypto.counterMode(master.key)
  counterMode.apply(iv, keystream, 0, length)
  counterMode.close()
  return keystream
}
