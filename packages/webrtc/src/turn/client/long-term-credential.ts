import { equalBytes } from "../../bytes/index.ts"
import type { Crypto, Hmac } from "../../crypto/index.ts"
import {
  Attribute,
  hasValidIntegrity,
  hasValidIntegritySha256,
  padded,
  type StunMessage,
  type StunWriter,
} from "../../stun/index.ts"
import { decodeBase64 } from "../base64.ts"

/** RFC 8489 §9.2: a nonce that begins like this, with 24 bits of features in base64, is of a server of RFC 8489. */
const NONCE_COOKIE: Uint8Array = new TextEncoder().encode("obMatJos2")
const FEATURES_LENGTH = 4
/** RFC 8489 §18.1, of the first of three bytes. */
const PASSWORD_ALGORITHMS = 0x80
const USERNAME_ANONYMITY = 0x40

/** RFC 8489 §18.5. */
const ALGORITHMS = new Map([
  [1, "md5"],
  [2, "sha256"],
] as const)

/** RFC 8489 §14.9, §14.10: "as long as 763 bytes when decoding". */
export const MAX_REALM_LENGTH = 763
export const MAX_NONCE_LENGTH = 763
/** A PASSWORD-ALGORITHMS that is longer is not sent back. Two algorithms have 8 bytes. */
export const MAX_ALGORITHMS_LENGTH = 256

/** What came of a challenge: "retry" with what is known now, or why there is no sense in it. */
export type Challenged = "retry" | "unauthenticated" | "bid-down" | "no-password-algorithm" | "unreadable"

const encoder = new TextEncoder()
const COLON = 0x3a

/** The client's side of the long-term credential mechanism (RFC 8489 §9.2), and of RFC 5389's where that is all there is. */
export class LongTermCredential {
  readonly #crypto: Crypto
  readonly #username: Uint8Array
  readonly #password: Uint8Array
  #realm: Uint8Array | undefined
  #nonce: Uint8Array = new Uint8Array(0)
  /** PASSWORD-ALGORITHMS as it came: it is sent back the same. */
  #algorithms: Uint8Array | undefined
  #algorithm = 0
  #userhash: Uint8Array | undefined
  #hmac: Hmac | undefined

  constructor(crypto: Crypto, username: string, password: string) {
    this.#crypto = crypto
    this.#username = encoder.encode(username)
    this.#password = encoder.encode(password)
  }

  /** Whether a challenge was seen, so that requests are signed. */
  get isKnown(): boolean {
    return this.#hmac !== undefined
  }

  /** Another server: it will have its own realm and nonces. */
  forget(): void {
    this.#realm = undefined
    this.#algorithms = undefined
    this.#hmac = undefined
  }

  /** Takes what a 401 or 438 asks for. `wasSigned`: whether it answers a request that had credentials. */
  challenge(message: StunMessage, code: 401 | 438, wasSigned: boolean): Challenged {
    const nonce = message.value(Attribute.nonce)
    const realm = message.value(Attribute.realm) ?? (code === 438 ? this.#realm : undefined)
    const algorithms = message.value(Attribute.passwordAlgorithms)
    if (nonce === undefined || nonce.length > MAX_NONCE_LENGTH) return "unreadable"
    if (realm === undefined || realm.length > MAX_REALM_LENGTH) return "unreadable"
    if (algorithms !== undefined && algorithms.length > MAX_ALGORITHMS_LENGTH) return "unreadable"
    if (isBidDown(message)) return "bid-down"
    const isSameRealm = this.#realm !== undefined && equalBytes(realm, this.#realm)
    // The same credentials would be refused again (RFC 8489 §9.2.5).
    if (code === 401 && wasSigned && isSameRealm) return "unauthenticated"
    // Who once wanted SHA-256 is not believed to have changed its mind (RFC 8489 §9.2.5).
    if (isSameRealm && this.#algorithms !== undefined && algorithms === undefined) return "bid-down"
    const algorithm = algorithms === undefined ? 0 : firstKnown(algorithms)
    if (algorithm === undefined) return "no-password-algorithm"
    const isSameKey = isSameRealm && this.#hmac !== undefined && algorithm === this.#algorithm
    this.#nonce = nonce.slice()
    this.#algorithms = algorithms?.slice()
    if (!isSameKey) this.#derive(realm.slice(), algorithm)
    this.#userhash = (features(nonce) & USERNAME_ANONYMITY) === 0 ? undefined : this.#hashUsername()
    return "retry"
  }

  /** Ends a request with the credentials (RFC 8489 §9.2.3.2). */
  sign(writer: StunWriter): void {
    if (this.#hmac === undefined) throw new Error("sign: no challenge was seen")
    if (this.#userhash === undefined) writer.attribute(Attribute.username, this.#username)
    else writer.attribute(Attribute.userhash, this.#userhash)
    writer.attribute(Attribute.realm, this.#realm!)
    writer.attribute(Attribute.nonce, this.#nonce)
    if (this.#algorithms === undefined) {
      writer.messageIntegrity(this.#hmac)
      return
    }
    writer.attribute(Attribute.passwordAlgorithms, this.#algorithms)
    // The number, and that no parameters follow (RFC 8489 §14.12).
    writer.uint32(Attribute.passwordAlgorithm, this.#algorithm * 0x10000)
    writer.messageIntegritySha256(this.#hmac)
  }

  /** Whether a response is authenticated in the way that our requests are, and nothing was bid down (RFC 8489 §9.2.5). */
  verifies(message: StunMessage): boolean {
    if (this.#hmac === undefined || isBidDown(message)) return false
    return this.#algorithms === undefined
      ? hasValidIntegrity(message, this.#hmac)
      : hasValidIntegritySha256(message, this.#hmac)
  }

  /** RFC 8489 §9.2.2, §18.5.1. */
  #derive(realm: Uint8Array, algorithm: number): void {
    const digest = ALGORITHMS.get(algorithm as 1) ?? "md5"
    const key = this.#crypto.digest(digest, joined(this.#username, realm, this.#password))
    this.#realm = realm
    this.#algorithm = algorithm
    this.#hmac = this.#crypto.hmac(algorithm === 0 ? "sha1" : "sha256", key)
  }

  /** RFC 8489 §14.4. */
  #hashUsername(): Uint8Array {
    return this.#crypto.digest("sha256", joined(this.#username, this.#realm!))
  }
}

/** What is hashed, with a colon between each. */
function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const text = new Uint8Array(parts.reduce((length, part) => length + 1 + part.length, -1)).fill(COLON)
  let at = 0
  for (const part of parts) {
    text.set(part, at)
    at += part.length + 1
  }
  return text
}

/** RFC 8489 §9.2.5: the nonce says that there is a PASSWORD-ALGORITHMS, and there is none. */
function isBidDown(message: StunMessage): boolean {
  const nonce = message.value(Attribute.nonce)
  if (nonce === undefined || (features(nonce) & PASSWORD_ALGORITHMS) === 0) return false
  return !message.has(Attribute.passwordAlgorithms)
}

/** The first byte of the security features that a nonce carries (RFC 8489 §9.2); 0 where it carries none. */
function features(nonce: Uint8Array): number {
  const end = NONCE_COOKIE.length + FEATURES_LENGTH
  if (nonce.length < end || !equalBytes(nonce.subarray(0, NONCE_COOKIE.length), NONCE_COOKIE)) return 0
  return decodeBase64(nonce.subarray(NONCE_COOKIE.length, end))?.[0] ?? 0
}

/** The first algorithm that we know, in the server's order (RFC 8489 §9.2.5, §14.11). */
function firstKnown(list: Uint8Array): number | undefined {
  // Each round moves on by at least the four bytes in front of the parameters.
  for (let at = 0; at + 4 <= list.length; ) {
    const algorithm = (list[at]! << 8) | list[at + 1]!
    if (ALGORITHMS.has(algorithm as 1)) return algorithm
    at += 4 + padded((list[at + 2]! << 8) | list[at + 3]!)
  }
  return undefined
}
