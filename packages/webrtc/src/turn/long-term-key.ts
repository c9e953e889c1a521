import type { Crypto, Hmac } from "../crypto/index.ts"
import { hasValidIntegrity, hasValidIntegritySha256, type StunMessage } from "../stun/index.ts"

/** The key that a user and the server share (RFC 8489 §9.2.2), ready to be used. The password is not kept. */
export class LongTermKey {
  /** For MESSAGE-INTEGRITY, which is what responses carry: we offer no PASSWORD-ALGORITHMS (RFC 8489 §9.2.4). */
  readonly sha1: Hmac
  readonly #crypto: Crypto
  readonly #key: Uint8Array

  constructor(crypto: Crypto, key: Uint8Array) {
    this.#crypto = crypto
    this.#key = key
    this.sha1 = crypto.hmac("sha1", key)
  }

  /** Where MESSAGE-INTEGRITY-SHA256 is present it is the one that counts (RFC 8489 §9.2.4). */
  verifies(message: StunMessage): boolean {
    if (message.integritySha256At < 0) return hasValidIntegrity(message, this.sha1)
    return hasValidIntegritySha256(message, this.#crypto.hmac("sha256", this.#key))
  }
}
