import type { Random } from "@tightbeam/sim"
import type { Crypto, DigestAlgorithm, Hmac, HmacAlgorithm } from "@tightbeam/webrtc/crypto"

const SIZE: Readonly<Record<HmacAlgorithm | DigestAlgorithm, number>> = {
  md5: 16,
  sha1: 20,
  sha256: 32,
  sha384: 48,
  sha512: 64,
}

/**
 * A `Crypto` for simulations that run by the hundred thousand, where real hashes took a quarter of all time. Whatever was
 * changed, or signed with another key, is found out; that somebody might try harder is no concern in there.
 */
export function quickCrypto(random: Random): Crypto {
  return {
    random: into => random.fill(into),
    hmac: (algorithm, key): Hmac => {
      const seed = taste(FNV_OFFSET, key)
      const size = SIZE[algorithm]
      return { size, sign: (...parts) => stretch(parts.reduce(taste, seed), size) }
    },
    digest: (algorithm, bytes) => stretch(taste(FNV_OFFSET, bytes), SIZE[algorithm]),
  }
}

const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193

/** FNV-1a, gone on with. */
function taste(hash: number, bytes: Uint8Array): number {
  let next = hash
  for (let i = 0; i < bytes.length; i++) next = Math.imul(next ^ bytes[i]!, FNV_PRIME)
  return next
}

function stretch(hash: number, size: number): Uint8Array {
  const result = new Uint8Array(size)
  let next = hash
  for (let i = 0; i < size; i++) {
    next = Math.imul(next ^ (next >>> 15), 0x2c1b3c6d) + i
    result[i] = next >>> 24
  }
  return result
}
