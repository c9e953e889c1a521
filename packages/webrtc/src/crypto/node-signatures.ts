import {
  constants,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  type SignKeyObjectInput,
  sign,
  verify,
  X509Certificate,
} from "node:crypto"
import type { KeyType, PrivateKey, PublicKey, SignatureScheme, TransportCrypto } from "./transport-crypto.ts"

interface Scheme {
  readonly keys: readonly KeyType[]
  /** `null` where the scheme has its own. */
  readonly hash: "sha256" | "sha384" | "sha512" | null
  readonly how?: Omit<SignKeyObjectInput, "key">
}

const PKCS1 = { padding: constants.RSA_PKCS1_PADDING }
/** RFC 8446 §4.2.3: the salt is as long as the digest. */
const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
/** Two INTEGERs in a SEQUENCE (RFC 8446 §4.2.3). */
const DER = { dsaEncoding: "der" } as const

const ECDSA = ["ecdsa-p256", "ecdsa-p384"] as const

const SCHEMES: Readonly<Record<SignatureScheme, Scheme>> = {
  ecdsa_sha256: { keys: ECDSA, hash: "sha256", how: DER },
  ecdsa_sha384: { keys: ECDSA, hash: "sha384", how: DER },
  ecdsa_sha512: { keys: ECDSA, hash: "sha512", how: DER },
  ecdsa_secp256r1_sha256: { keys: ["ecdsa-p256"], hash: "sha256", how: DER },
  ecdsa_secp384r1_sha384: { keys: ["ecdsa-p384"], hash: "sha384", how: DER },
  ed25519: { keys: ["ed25519"], hash: null },
  rsa_pss_rsae_sha256: { keys: ["rsa"], hash: "sha256", how: PSS },
  rsa_pss_rsae_sha384: { keys: ["rsa"], hash: "sha384", how: PSS },
  rsa_pss_rsae_sha512: { keys: ["rsa"], hash: "sha512", how: PSS },
  rsa_pkcs1_sha256: { keys: ["rsa"], hash: "sha256", how: PKCS1 },
  rsa_pkcs1_sha384: { keys: ["rsa"], hash: "sha384", how: PKCS1 },
  rsa_pkcs1_sha512: { keys: ["rsa"], hash: "sha512", how: PKCS1 },
}

/** Bits of an RSA modulus: below, it proves nothing; above, to verify takes longer than a stranger should cost us. */
const RSA_BITS = { least: 1024, most: 8192 }

/** The keys of certificates in `TransportCrypto`, by node:crypto. */
export const nodeSignatures: Pick<TransportCrypto, "privateKey" | "publicKey"> = {
  privateKey(type: "ecdsa-p256" | "rsa-2048"): PrivateKey {
    const { privateKey } =
      type === "ecdsa-p256"
        ? generateKeyPairSync("ec", { namedCurve: "P-256" })
        : generateKeyPairSync("rsa", { modulusLength: 2048 })
    return privateKeyFrom(privateKey)
  },

  publicKey(certificate: Uint8Array): PublicKey | undefined {
    const key = keyOf(certificate)
    const type = key === undefined ? undefined : typeOf(key)
    if (key === undefined || type === undefined) return undefined
    const bits = key.asymmetricKeyDetails?.modulusLength
    const signatureLength = bits === undefined ? undefined : Math.ceil(bits / 8)
    return {
      type,
      verify(name: SignatureScheme, content: Uint8Array, signature: Uint8Array): boolean {
        const scheme = SCHEMES[name]
        if (!scheme.keys.includes(type)) return false
        // RFC 8017 §8.1.2: as long as the modulus. OpenSSL also takes one without the zeros that it begins with.
        if (signatureLength !== undefined && signature.length !== signatureLength) return false
        try {
          return verify(scheme.hash, content, { key, ...scheme.how }, signature)
        } catch {
          return false
        }
      },
    }
  },
}

/** Of a key that was there before, such as a file's. Throws a TypeError for one of a type that is not known. */
export function privateKeyFrom(key: KeyObject): PrivateKey {
  const type = typeOf(key)
  if (type === undefined) throw new TypeError(`key: a ${key.asymmetricKeyType} key is not known`)
  return {
    type,
    publicKeyInfo: createPublicKey(key).export({ type: "spki", format: "der" }),
    sign(name: SignatureScheme, content: Uint8Array): Uint8Array {
      const scheme = SCHEMES[name]
      if (!scheme.keys.includes(type)) throw new TypeError(`scheme: ${name} is not for a key of ${type}`)
      return sign(scheme.hash, content, { key, ...scheme.how })
    },
  }
}

function keyOf(certificate: Uint8Array): KeyObject | undefined {
  try {
    const parsed = new X509Certificate(certificate)
    // It reads PEM as well, and stops where the certificate ends.
    return parsed.raw.length === certificate.length ? parsed.publicKey : undefined
  } catch {
    return undefined
  }
}

function typeOf(key: KeyObject): KeyType | undefined {
  const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {}
  switch (key.asymmetricKeyType) {
    case "ec":
      if (namedCurve === "prime256v1") return "ecdsa-p256"
      return namedCurve === "secp384r1" ? "ecdsa-p384" : undefined
    case "ed25519":
      return "ed25519"
    case "rsa":
      return modulusLength >= RSA_BITS.least && modulusLength <= RSA_BITS.most ? "rsa" : undefined
    default:
      return undefined
  }
}
