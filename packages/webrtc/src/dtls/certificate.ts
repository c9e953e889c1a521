import type { PrivateKey } from "../crypto/index.ts"

/** One of ours: what is shown, and the key that proves it. */
export interface Certificate {
  /** X.509, DER. */
  readonly der: Uint8Array
  readonly privateKey: PrivateKey
}
