import type { KeyType, SignatureScheme } from "../crypto/index.ts"

interface Scheme {
  readonly name: SignatureScheme
  readonly code: number
  readonly key: KeyType
  /** RFC 8446 §4.2.3: PKCS #1 v1.5 signs no handshake of 1.3. */
  readonly only12?: true
}

/** In order of preference (RFC 8446 §4.2.3). */
const SCHEMES: readonly Scheme[] = [
  { name: "ecdsa_secp256r1_sha256", code: 0x0403, key: "ecdsa-p256" },
  { name: "ecdsa_secp384r1_sha384", code: 0x0503, key: "ecdsa-p384" },
  { name: "ed25519", code: 0x0807, key: "ed25519" },
  { name: "rsa_pss_rsae_sha256", code: 0x0804, key: "rsa" },
  { name: "rsa_pss_rsae_sha384", code: 0x0805, key: "rsa" },
  { name: "rsa_pss_rsae_sha512", code: 0x0806, key: "rsa" },
  { name: "rsa_pkcs1_sha256", code: 0x0401, key: "rsa", only12: true },
  { name: "rsa_pkcs1_sha384", code: 0x0501, key: "rsa", only12: true },
  { name: "rsa_pkcs1_sha512", code: 0x0601, key: "rsa", only12: true },
]

/** All that we verify, as `signature_algorithms` lists them. */
export const SIGNATURE_CODES: readonly number[] = SCHEMES.map(({ code }) => code)

export function schemeCode(name: SignatureScheme): number {
  return SCHEMES.find(scheme => scheme.name === name)!.code
}

/** The scheme of a signature that the other end made; `undefined` where none of this version is meant. */
export function schemeOf(code: number, version: "1.2" | "1.3"): SignatureScheme | undefined {
  return SCHEMES.find(scheme => scheme.code === code && !(version === "1.3" && scheme.only12))?.name
}

/** The scheme that we sign with: the first of ours that the other end verifies. */
export function schemeFor(
  key: KeyType,
  theirs: readonly number[],
  version: "1.2" | "1.3",
): SignatureScheme | undefined {
  return SCHEMES.find(
    scheme => scheme.key === key && theirs.includes(scheme.code) && !(version === "1.3" && scheme.only12),
  )?.name
}
