import type { DigestAlgorithm, TransportCrypto } from "../crypto/index.ts"

/** RFC 8122 §5: a hash over the DER of a certificate. */
export interface Fingerprint {
  readonly algorithm: FingerprintAlgorithm
  /** As SDP writes it: pairs of upper-case hex digits with colons between. */
  readonly value: string
}

export type FingerprintAlgorithm = "sha-256" | "sha-384" | "sha-512"

/** The preferred one first. MD5 is forbidden (RFC 8122 §5), and SHA-1 is no better by now. */
const ALGORITHMS = ["sha-512", "sha-384", "sha-256"] as const

const DIGESTS: Readonly<Record<FingerprintAlgorithm, { name: DigestAlgorithm; length: number }>> = {
  "sha-256": { name: "sha256", length: 32 },
  "sha-384": { name: "sha384", length: 48 },
  "sha-512": { name: "sha512", length: 64 },
}

export function fingerprintOf(
  crypto: Pick<TransportCrypto, "digest">,
  certificate: Uint8Array,
  algorithm: FingerprintAlgorithm,
): Fingerprint {
  const digest = crypto.digest(DIGESTS[algorithm].name, certificate)
  const pairs = Array.from(digest, byte => byte.toString(16).padStart(2, "0").toUpperCase())
  return { algorithm, value: pairs.join(":") }
}

/**
 * The value of SDP's `fingerprint` (RFC 8122 §5), in upper case or lower. `undefined` where it is none, or of an
 * algorithm that is not known: to leave it out is right.
 */
export function parseFingerprint(text: string): Fingerprint | undefined {
  const [name, value, ...rest] = text.trim().split(/ +/)
  const algorithm = ALGORITHMS.find(each => each === name?.toLowerCase())
  if (algorithm === undefined || value === undefined || rest.length > 0) return undefined
  const isWhole = /^[0-9a-f]{2}(:[0-9a-f]{2})*$/i.test(value)
  if (!isWhole || value.length !== 3 * DIGESTS[algorithm].length - 1) return undefined
  return { algorithm, value: value.toUpperCase() }
}

/** What SDP writes. */
export function formatFingerprint({ algorithm, value }: Fingerprint): string {
  return `${algorithm} ${value}`
}

/**
 * Whether a certificate is one of those. Of several hashes the strongest alone counts (RFC 8122 §5.1): whoever could
 * forge a weaker one gains nothing by telling it too.
 */
export function matchesFingerprint(
  crypto: Pick<TransportCrypto, "digest">,
  certificate: Uint8Array,
  fingerprints: readonly Fingerprint[],
): boolean {
  const preferred = ALGORITHMS.find(each => fingerprints.some(({ algorithm }) => algorithm === each))
  if (preferred === undefined) return false
  const { value } = fingerprintOf(crypto, certificate, preferred)
  return fingerprints.some(each => each.algorithm === preferred && each.value.toUpperCase() === value)
}
