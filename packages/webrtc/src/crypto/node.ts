import { createHash, createHmac, createSecretKey, randomFillSync } from "node:crypto"
import type { DigestAlgorithm, Hmac, HmacAlgorithm } from "./crypto.ts"
import { nodeCiphers } from "./node-ciphers.ts"
import { nodeKeyShares } from "./node-key-shares.ts"
import { nodeSignatures } from "./node-signatures.ts"
import type { TransportCrypto } from "./transport-crypto.ts"

export { privateKeyFrom } from "./node-signatures.ts"

const TAG_SIZE: Record<HmacAlgorithm, number> = { sha1: 20, sha256: 32, sha384: 48 }

/** The `Crypto` of real processes. */
export const nodeCrypto: TransportCrypto = {
  ...nodeCiphers,
  ...nodeKeyShares,
  ...nodeSignatures,

  random(into: Uint8Array): void {
    randomFillSync(into)
  },

  hmac(algorithm: HmacAlgorithm, key: Uint8Array): Hmac {
    // A raw key costs three to five times as much per call on Node 24; a KeyObject is prepared once.
    const prepared = createSecretKey(key)
    return {
      size: TAG_SIZE[algorithm],
      sign(...parts: Uint8Array[]): Uint8Array {
        const hmac = createHmac(algorithm, prepared)
        for (const part of parts) hmac.update(part)
        return hmac.digest()
      },
    }
  },

  digest(algorithm: DigestAlgorithm, bytes: Uint8Array): Uint8Array {
    return createHash(algorithm).update(bytes).digest()
  },
}
