import type { AeadAlgorithm, KeyType } from "../crypto/index.ts"
import type { DtlsVersion } from "./options.ts"

export interface CipherSuite {
  readonly code: number
  readonly name: string
  readonly version: DtlsVersion
  readonly aead: AeadAlgorithm
  readonly hash: "sha256" | "sha384"
  /** What the server signs with; of 1.3 any. */
  readonly signedBy?: "ecdsa" | "rsa"
}

/** RFC 8446 §B.4, RFC 5289 §3.2, RFC 7905 §2. */
const SUITES: readonly CipherSuite[] = [
  { code: 0x1301, name: "TLS_AES_128_GCM_SHA256", version: "1.3", aead: "aes-128-gcm", hash: "sha256" },
  { code: 0x1302, name: "TLS_AES_256_GCM_SHA384", version: "1.3", aead: "aes-256-gcm", hash: "sha384" },
  {
    code: 0x1303,
    name: "TLS_CHACHA20_POLY1305_SHA256",
    version: "1.3",
    aead: "chacha20-poly1305",
    hash: "sha256",
  },
  suite12(0xc02b, "ECDSA", "AES_128_GCM_SHA256", "aes-128-gcm", "sha256"),
  suite12(0xc02c, "ECDSA", "AES_256_GCM_SHA384", "aes-256-gcm", "sha384"),
  suite12(0xcca9, "ECDSA", "CHACHA20_POLY1305_SHA256", "chacha20-poly1305", "sha256"),
  suite12(0xc02f, "RSA", "AES_128_GCM_SHA256", "aes-128-gcm", "sha256"),
  suite12(0xc030, "RSA", "AES_256_GCM_SHA384", "aes-256-gcm", "sha384"),
  suite12(0xcca8, "RSA", "CHACHA20_POLY1305_SHA256", "chacha20-poly1305", "sha256"),
]

function suite12(
  code: number,
  key: "ECDSA" | "RSA",
  name: string,
  aead: AeadAlgorithm,
  hash: "sha256" | "sha384",
): CipherSuite {
  const signedBy = key === "ECDSA" ? "ecdsa" : "rsa"
  return { code, name: `TLS_ECDHE_${key}_WITH_${name}`, version: "1.2", aead, hash, signedBy }
}

/** Those of `version` that protect with one of `aeads`, in the order of `aeads`. */
export function suitesOf(version: DtlsVersion, aeads: readonly AeadAlgorithm[]): CipherSuite[] {
  return aeads.flatMap(aead => SUITES.filter(suite => suite.version === version && suite.aead === aead))
}

/** Whether a certificate with such a key can be a server's. */
export function canSignFor(suite: CipherSuite, key: KeyType): boolean {
  return suite.signedBy === undefined || (suite.signedBy === "rsa") === (key === "rsa")
}
