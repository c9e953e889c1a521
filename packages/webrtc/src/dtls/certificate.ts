import type { PrivateKey, TransportCrypto } from "../crypto/index.ts"
import { bitString, der, objectIdentifier, sequence, Tag, time, utf8String } from "./der.ts"

/** One of ours: what is shown, and the key that proves it. */
export interface Certificate {
  /** X.509, DER. */
  readonly der: Uint8Array
  readonly privateKey: PrivateKey
  /** Of those who vouch for it, each for the one before; for whoever goes by names and not by fingerprints. */
  readonly chain?: readonly Uint8Array[]
}

export interface CertificateOptions {
  /** Default "ecdsa-p256", which everybody must know (RFC 8827 §6.5). */
  readonly type?: "ecdsa-p256" | "rsa-2048"
  /** The common name of whose it is; it identifies nobody. Default "WebRTC". */
  readonly subject?: string
  /** In ms since 1970, which is the default. */
  readonly notBefore?: number
  /** In ms since 1970. Default: never (RFC 5280 §4.1.2.5), for nobody looks: a fingerprint is good or it is not. */
  readonly notAfter?: number
}

const COMMON_NAME = "2.5.4.3"
const ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2"
const SHA256_WITH_RSA = "1.2.840.113549.1.1.11"

/** 99991231235959Z. */
const NEVER = Date.UTC(9999, 11, 31, 23, 59, 59)
/** RFC 5280 §4.1.2.2: positive, and 20 bytes at most. */
const SERIAL_LENGTH = 16

/** A new key, and the certificate that it signs for itself (RFC 8827 §6.5, RFC 5280 §4.1). */
export function selfSignedCertificate(
  crypto: TransportCrypto,
  options: CertificateOptions = {},
): Certificate {
  const { type = "ecdsa-p256", subject = "WebRTC", notBefore = 0, notAfter = NEVER } = options
  const privateKey = crypto.privateKey(type)
  const isRsa = type === "rsa-2048"
  // RFC 3279 §2.2.1 wants RSA's parameters to be NULL, RFC 5758 §3.2 wants ECDSA's not to be there.
  const algorithm = isRsa
    ? sequence(objectIdentifier(SHA256_WITH_RSA), der(Tag.null))
    : sequence(objectIdentifier(ECDSA_WITH_SHA256))
  const name = sequence(der(Tag.set, sequence(objectIdentifier(COMMON_NAME), utf8String(subject))))
  const content = sequence(
    // v3: some take nothing else.
    der(Tag.context0, der(Tag.integer, Uint8Array.of(2))),
    der(Tag.integer, serialNumber(crypto)),
    algorithm,
    name,
    sequence(time(notBefore), time(notAfter)),
    name,
    privateKey.publicKeyInfo,
  )
  const scheme = isRsa ? "rsa_pkcs1_sha256" : "ecdsa_secp256r1_sha256"
  const signature = bitString(privateKey.sign(scheme, content))
  return { der: sequence(content, algorithm, signature), privateKey }
}

function serialNumber(crypto: TransportCrypto): Uint8Array {
  const serial = new Uint8Array(SERIAL_LENGTH)
  crypto.random(serial)
  // Positive, and no shorter for zeros in front.
  serial[0] = (serial[0]! & 0x7f) | 0x40
  return serial
}
