import { type Address, equalBytes } from "../bytes/index.ts"
import type { Crypto, Hmac } from "../crypto/index.ts"
import {
  Attribute,
  hasNonceCookie,
  PasswordAlgorithm,
  passwordAlgorithmsValue,
  readPasswordAlgorithm,
  type StunMessage,
} from "../stun/index.ts"
import { isCurrentUsername, passwordOf, userOf } from "./credentials.ts"
import { LongTermKey } from "./long-term-key.ts"
import type { NonceMint } from "./nonce.ts"

/**
 * The PASSWORD-ALGORITHMS of every challenge that has room for it (RFC 8489 §14.11), the preferred one first. Who
 * knows nothing of it uses MD5 anyway.
 */
export const OFFERED_ALGORITHMS: Uint8Array = passwordAlgorithmsValue([
  PasswordAlgorithm.sha256,
  PasswordAlgorithm.md5,
])

/** A user whose request proved to be theirs. */
export interface Authenticated {
  readonly code: 0
  readonly username: Uint8Array
  readonly key: LongTermKey
  /** What the request named as PASSWORD-ALGORITHM; `undefined` where it knows nothing of it. */
  readonly algorithm: PasswordAlgorithm | undefined
}

/** The error to answer with, and what was wrong. */
export interface Unauthenticated {
  readonly code: 400 | 401 | 438
  readonly why: string
}

/** Whose allocation the client already has: its key is at hand, and outlives the credentials' expiry. */
export interface Owner {
  readonly username: Uint8Array
  readonly key: LongTermKey
}

export interface AuthenticationOptions {
  readonly crypto: Crypto
  readonly realm: Uint8Array
  readonly secrets: readonly Uint8Array[]
  readonly nonces: NonceMint
  /** To be added to `now` to get UNIX time, in ms. */
  readonly epoch: number
  /** Whose credentials are good for nothing any more. */
  readonly isRevoked: (user: string) => boolean
}

/** The server's side of the long-term credential mechanism (RFC 8489 §9.2.4), with time-limited credentials. */
export class Authentication {
  readonly #options: AuthenticationOptions
  readonly #secrets: readonly Hmac[]

  constructor(options: AuthenticationOptions) {
    this.#options = options
    this.#secrets = options.secrets.map(secret => options.crypto.hmac("sha1", secret))
  }

  /** `control`: where the nonce may have gone as well, as the control connection of a data connection (RFC 6062 §4.3). */
  authenticate(
    message: StunMessage,
    client: Address,
    owner: Owner | undefined,
    now: number,
    control?: Address,
  ): Authenticated | Unauthenticated {
    if (message.integrityAt < 0 && message.integritySha256At < 0) {
      return { code: 401, why: "no integrity" }
    }
    const username = message.value(Attribute.username)
    const realm = message.value(Attribute.realm)
    const nonce = message.value(Attribute.nonce)
    const isNamed = username !== undefined || message.has(Attribute.userhash)
    if (!isNamed || realm === undefined || nonce === undefined) {
      return { code: 400, why: "integrity without username, realm and nonce" }
    }
    // Before the integrity, though RFC 8489 §9.2.4 lists it after: it costs one hash to find out that
    // the sender never received anything from us, and nothing more is spent on such a one.
    const { nonces } = this.#options
    const isControls = control !== undefined && nonces.isValid(nonce, control, now)
    if (!isControls && !nonces.isValid(nonce, client, now)) {
      return { code: 438, why: "stale or foreign nonce" }
    }
    const algorithm = negotiatedAlgorithm(message, nonce)
    if (algorithm === "mismatch") return { code: 400, why: "the password algorithms are not those offered" }
    // USERHASH alone: we never set the bit that asks for it, and no hash tells us when the username expires. It is
    // an identity that is not valid here, and the 401, whose nonce lacks the bit, asks for USERNAME (§9.2.4, §9.2.5).
    if (username === undefined) return { code: 401, why: "USERHASH, which cannot be looked up" }
    if (!equalBytes(realm, this.#options.realm)) return { code: 401, why: "another realm" }
    if (this.#options.isRevoked(userOf(username))) return { code: 401, why: "revoked credentials" }
    const key = this.#keyOf(username, message, algorithm, owner, now)
    if (key === undefined) return { code: 401, why: "expired or wrong credentials" }
    return { code: 0, username, key, algorithm }
  }

  #keyOf(
    username: Uint8Array,
    message: StunMessage,
    algorithm: PasswordAlgorithm | undefined,
    owner: Owner | undefined,
    now: number,
  ): LongTermKey | undefined {
    // A call outlasts the credentials that opened it: expiry is for new allocations.
    if (owner !== undefined && equalBytes(owner.username, username)) {
      return owner.key.verifies(message, algorithm) ? owner.key : undefined
    }
    const { crypto, realm, epoch } = this.#options
    if (!isCurrentUsername(username, (now + epoch) / 1000)) return undefined
    for (const secret of this.#secrets) {
      // A copy of the username: what the key is made from must outlive the datagram.
      const candidate = new LongTermKey(crypto, username.slice(), realm, passwordOf(username, secret))
      if (candidate.verifies(message, algorithm)) return candidate
    }
    return undefined
  }
}

/**
 * RFC 8489 §9.2.4: neither attribute, which is MD5; or both, of which the list is what we sent with this nonce. Of
 * a list that was shortened on the way, or never sent, nothing is taken.
 */
function negotiatedAlgorithm(
  message: StunMessage,
  nonce: Uint8Array,
): PasswordAlgorithm | undefined | "mismatch" {
  const algorithm = message.value(Attribute.passwordAlgorithm)
  const algorithms = message.value(Attribute.passwordAlgorithms)
  if (algorithm === undefined && algorithms === undefined) return undefined
  if (algorithm === undefined || algorithms === undefined) return "mismatch"
  if (!hasNonceCookie(nonce) || !equalBytes(algorithms, OFFERED_ALGORITHMS)) return "mismatch"
  return readPasswordAlgorithm(algorithm) ?? "mismatch"
}
