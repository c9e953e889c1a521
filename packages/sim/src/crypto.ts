import type { Crypto } from "@tightbeam/webrtc/crypto"
import type { Random } from "./random.ts"

/** A `Crypto` whose run is a function of the seed: `base` for what is deterministic anyway, `random` for the rest. */
export function deterministicCrypto(base: Crypto, random: Random): Crypto {
  return {
    random: into => random.fill(into),
    hmac: (algorithm, key) => base.hmac(algorithm, key),
    digest: (algorithm, bytes) => base.digest(algorithm, bytes),
  }
}
