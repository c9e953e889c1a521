/** What machines are given instead of `node:crypto`: the simulator's form is deterministic. */
export interface Crypto {
  /** Fills `into` with unpredictable bytes. */
  random(into: Uint8Array): void
  /** A keyed hash that holds its key ready, so that per-message cost is the hash alone. */
  hmac(algorithm: HmacAlgorithm, key: Uint8Array): Hmac
  /** One-shot digest; what RFC 8489 §9.2.2 and §18.5 derive long-term keys with. */
  digest(algorithm: DigestAlgorithm, bytes: Uint8Array): Uint8Array
}

export type HmacAlgorithm = "sha1" | "sha256" | "sha384"
export type DigestAlgorithm = "md5" | "sha1" | "sha256" | "sha384" | "sha512"

export interface Hmac {
  /** Bytes of a full tag: 20 for SHA-1, 32 for SHA-256, 48 for SHA-384. */
  readonly size: number
  /** The tag over the concatenation of `parts`. */
  sign(...parts: Uint8Array[]): Uint8Array
}

/** Compares in time that depends on the lengths alone. */
export function equalInConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!
  return difference === 0
}
