import type { Crypto, Hmac } from "../crypto/index.ts"
import {
  hasValidIntegrity,
  hasValidIntegritySha256,
  PasswordAlgorithm,
  type StunMessage,
  type StunWriter,
} from "../stun/index.ts"
import { longTermKey } from "./credentials.ts"

/** One derived key, ready for the hashes that messages are authenticated with; each prepared when first used. */
class DerivedKey {
  readonly #crypto: Crypto
  readonly #key: Uint8Array
  #sha1: Hmac | undefined
  #sha256: Hmac | undefined

  constructor(crypto: Crypto, key: Uint8Array) {
    this.#crypto = crypto
    this.#key = key
  }

  get sha1(): Hmac {
    this.#sha1 ??= this.#crypto.hmac("sha1", this.#key)
    return this.#sha1
  }

  get sha256(): Hmac {
    this.#sha256 ??= this.#crypto.hmac("sha256", this.#key)
    return this.#sha256
  }
}

/**
 * What a user and the server share (RFC 8489 §9.2.2). A client may change its algorithm between two requests,
 * so the password is kept: it is one of time-limited credentials, and goes with the allocation.
 */
export class LongTermKey {
  readonly #crypto: Crypto
  readonly #username: Uint8Array
  readonly #realm: Uint8Array
  readonly #password: Uint8Array
  #md5: DerivedKey | undefined
  #sha256: DerivedKey | undefined

  constructor(crypto: Crypto, username: Uint8Array, realm: Uint8Array, password: Uint8Array) {
    this.#crypto = crypto
    this.#username = username
    this.#realm = realm
    this.#password = password
  }

  /**
   * Where MESSAGE-INTEGRITY-SHA256 is present it is the one that counts (RFC 8489 §9.2.4). Nothing negotiated is
   * the same as MD5.
   */
  verifies(message: StunMessage, negotiated: PasswordAlgorithm | undefined): boolean {
    const key = this.#derived(negotiated ?? PasswordAlgorithm.md5)
    return message.integritySha256At < 0
      ? hasValidIntegrity(message, key.sha1)
      : hasValidIntegritySha256(message, key.sha256)
  }

  /** RFC 8489 §9.2.4: MESSAGE-INTEGRITY-SHA256 for who negotiated an algorithm, MESSAGE-INTEGRITY for who did not. */
  authenticate(writer: StunWriter, negotiated: PasswordAlgorithm | undefined): void {
    if (negotiated === undefined) writer.messageIntegrity(this.#derived(PasswordAlgorithm.md5).sha1)
    else writer.messageIntegritySha256(this.#derived(negotiated).sha256)
  }

  #derived(algorithm: PasswordAlgorithm): DerivedKey {
    if (algorithm === PasswordAlgorithm.md5) {
      this.#md5 ??= this.#derive("md5")
      return this.#md5
    }
    this.#sha256 ??= this.#derive("sha256")
    return this.#sha256
  }

  #derive(digest: "md5" | "sha256"): DerivedKey {
    const key = longTermKey(this.#crypto, digest, this.#username, this.#realm, this.#password)
    return new DerivedKey(this.#crypto, key)
  }
}
