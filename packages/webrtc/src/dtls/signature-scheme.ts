import type { KeyType, SignatureScheme } from "../crypto/index.ts"
import type { DtlsVersion } from "./options.ts"

interface Scheme {
  readonly name: SignatureScheme
  readonly code: number
  readonly keys: readonly KeyType[]
}

const ECDSA = ["ecdsa-p256", "ecdsa-p384"] as const

const COMMON: readonly Scheme[] = [
  { name: "ed25519", code: 0x0807, keys: ["ed25519"] },
  { name: "rsa_pss_rsae_sha256", code: 0x0804, keys: ["rsa"] },
  { name: "rsa_pss_rsae_sha384", code: 0x0805, keys: ["rsa"] },
  { name: "rsa_pss_rsae_sha512", code: 0x0806, keys: ["rsa"] },
]

/** In order of preference. In 1.3 an ECDSA scheme names its curve, and PKCS #1 v1.5 signs no handshake (RFC 8446 §4.2.3). */
const SCHEMES: Readonly<Record<DtlsVersion, readonly Scheme[]>> = {
  "1.3": [
    { name: "ecdsa_secp256r1_sha256", code: 0x0403, keys: ["ecdsa-p256"] },
    { name: "ecdsa_secp384r1_sha384", code: 0x0503, keys: ["ecdsa-p384"] },
    ...COMMON,
  ],
  "1.2": [
    { name: "ecdsa_sha256", code: 0x0403, keys: ECDSA },
    { name: "ecdsa_sha384", code: 0x0503, keys: ECDSA },
    { name: "ecdsa_sha512", code: 0x0603, keys: ECDSA },
    ...COMMON,
    { name: "rsa_pkcs1_sha256", code: 0x0401, keys: ["rsa"] },
    { name: "rsa_pkcs1_sha384", code: 0x0501, keys: ["rsa"] },
    { name: "rsa_pkcs1_sha512", code: 0x0601, keys: ["rsa"] },
  ],
}

/** All that we verify, as `signature_algorithms` lists them. */
export const SIGNATURE_CODES: readonly number[] = SCHEMES["1.2"].map(({ code }) => code)

export function schemeCode(name: SignatureScheme, version: DtlsVersion): number {
  return SCHEMES[version].find(scheme => scheme.name === name)!.code
}

/** The scheme of a signature that the other end made; `undefined` where none of this version is meant. */
export function schemeOf(code: number, version: DtlsVersion): SignatureScheme | undefined {
  return SCHEMES[version].find(scheme => scheme.code === code)?.name
}

/** The scheme that we sign with: the first of ours that the other end verifies. */
export function schemeFor(
  key: KeyType,
  theirs: readonly number[],
  version: DtlsVersion,
): SignatureScheme | undefined {
  return SCHEMES[version].find(({ keys, code }) => keys.includes(key) && theirs.includes(code))?.name
}
