import type { Crypto } from "@tightbeam/webrtc/crypto"
import type { Random } from "./random.ts"

/**
 * A `Crypto` whose run is a function of the seed: `base` for what is deterministic anyway, `random` for the rest. Where
 * `base` makes key pairs and signatures, those stay its own: they are of one length, and differ from run to run.
 */
export function deterministicCrypto<Base extends Crypto>(base: Base, random: Random): Base {
  return { ...base, random: into => random.fill(into) }
}
