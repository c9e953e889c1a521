import type { Crypto } from "../crypto/index.ts"
import { ascii, concat } from "./codec.ts"

export const MASTER_SECRET_LENGTH = 48
export const VERIFY_DATA_LENGTH = 12

/** The pseudorandom function of TLS 1.2 (RFC 5246 §5). */
export function prf(
  crypto: Crypto,
  hash: "sha256" | "sha384",
  secret: Uint8Array,
  label: string,
  seed: Uint8Array,
  length: number,
): Uint8Array {
  const hmac = crypto.hmac(hash, secret)
  const labelled = concat(ascii(label), seed)
  const blocks: Uint8Array[] = []
  let a = hmac.sign(labelled)
  for (let made = 0; made < length; made += hmac.size) {
    blocks.push(hmac.sign(a, labelled))
    a = hmac.sign(a)
  }
  return concat(...blocks).slice(0, length)
}
