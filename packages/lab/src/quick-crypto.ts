import type { Random } from "@tightbeam/sim"
import type { DigestAlgorithm, Hmac, HmacAlgorithm, TransportCrypto } from "@tightbeam/webrtc/crypto"
import { quickCiphers } from "./quick-ciphers.ts"
import { FNV_OFFSET, stretch, taste } from "./quick-hash.ts"
import { quickKeys } from "./quick-keys.ts"

const SIZE: Readonly<Record<HmacAlgorithm | DigestAlgorithm, number>> = {
  md5: 16,
  sha1: 20,
  sha256: 32,
  sha384: 48,
  sha512: 64,
}

/**
 * A `TransportCrypto` for simulations that run by the hundred thousand, where real hashes took a quarter of all time and
 * real keys would take nearly all of it. What is sent is as long as the real thing. Whatever was changed, or made with
 * another key, is found out; that somebody might try harder is no concern in there.
 */
export function quickCrypto(random: Random): TransportCrypto {
  return {
    ...quickCiphers,
    ...quickKeys(random),
    random: into => random.fill(into),
    hmac: (algorithm, key): Hmac => {
      const seed = taste(FNV_OFFSET, key)
      const size = SIZE[algorithm]
      return { size, sign: (...parts) => stretch(parts.reduce(taste, seed), size) }
    },
    digest: (algorithm, bytes) => stretch(taste(FNV_OFFSET, bytes), SIZE[algorithm]),
  }
}
