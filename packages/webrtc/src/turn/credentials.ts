import type { Crypto, DigestAlgorithm, Hmac } from "../crypto/index.ts"
import { MAX_USERNAME_LENGTH } from "../stun/index.ts"
import { encodeBase64 } from "./base64.ts"

/** What a client gives its RTCPeerConnection beside the `turn:` URL. */
export interface TimeLimitedCredentials {
  /** `expiry:room:participant`; expiry in UNIX seconds, decimal. */
  readonly username: string
  /** base64(HMAC-SHA1(secret, username)). */
  readonly password: string
}

export interface CredentialsRequest {
  readonly crypto: Crypto
  /** Shared with the TURN server; 1 byte or more, 16 or more wanted. */
  readonly secret: Uint8Array
  /** May not contain a colon: it could be taken for another room's participant. */
  readonly room: string
  readonly participant: string
  /** UNIX time in seconds at which they stop to open allocations. */
  readonly expiry: number
}

const encoder = new TextEncoder()
const COLON = 0x3a

/**
 * Mints credentials that a `TurnServer` with the same secret accepts until `expiry`, without the two
 * talking to each other. Throws a RangeError when the username would be longer than RFC 8489 §14.3 allows.
 */
export function timeLimitedCredentials(request: CredentialsRequest): TimeLimitedCredentials {
  const { crypto, secret, room, participant, expiry } = request
  if (!Number.isSafeInteger(expiry) || expiry < 0) throw new RangeError(`expiry: ${expiry} is no UNIX time`)
  if (room.includes(":")) throw new RangeError(`room: ${JSON.stringify(room)} contains a colon`)
  const username = `${expiry}:${room}:${participant}`
  const bytes = encoder.encode(username)
  if (bytes.length > MAX_USERNAME_LENGTH) {
    throw new RangeError(`room and participant: a username has at most ${MAX_USERNAME_LENGTH} bytes`)
  }
  const password = passwordOf(bytes, crypto.hmac("sha1", secret))
  return { username, password: new TextDecoder().decode(password) }
}

/** The password of a username, as the ASCII bytes that RFC 8489 §9.2.2 hashes. */
export function passwordOf(username: Uint8Array, secret: Hmac): Uint8Array {
  return encodeBase64(secret.sign(username))
}

/** The hash of `username ":" realm ":" password` (RFC 8489 §9.2.2, §18.5.1). */
export function longTermKey(
  crypto: Crypto,
  digest: DigestAlgorithm,
  username: Uint8Array,
  realm: Uint8Array,
  password: Uint8Array,
): Uint8Array {
  const text = new Uint8Array(username.length + realm.length + password.length + 2)
  text.set(username, 0)
  text[username.length] = COLON
  text.set(realm, username.length + 1)
  text[username.length + 1 + realm.length] = COLON
  text.set(password, username.length + realm.length + 2)
  return crypto.digest(digest, text)
}

/** The room of a user, `room:participant`; `undefined` where the username names none. */
export function roomOf(user: string): string | undefined {
  const colon = user.indexOf(":")
  return colon < 0 ? undefined : user.slice(0, colon)
}

/** The largest number of digits that is still exact: year 300,000 and something. */
const MAX_EXPIRY_DIGITS = 13

/**
 * When a username expires, in UNIX seconds: it begins with decimal digits and a colon, and something
 * follows. `undefined` for all others. What follows are bytes that mean nothing here.
 */
export function expiryOf(username: Uint8Array): number | undefined {
  if (username.length > MAX_USERNAME_LENGTH) return undefined
  const colon = username.indexOf(COLON)
  if (colon < 1 || colon > MAX_EXPIRY_DIGITS || colon === username.length - 1) return undefined
  let expiry = 0
  for (let i = 0; i < colon; i++) {
    const digit = username[i]! - 0x30
    if (digit < 0 || digit > 9) return undefined
    expiry = expiry * 10 + digit
  }
  return expiry
}

/** Whether a username has the right structure and opens allocations at `unixTime`, in seconds. */
export function isCurrentUsername(username: Uint8Array, unixTime: number): boolean {
  const expiry = expiryOf(username)
  return expiry !== undefined && unixTime < expiry
}

/**
 * Who a username stands for: all of it but the expiry, so that fresh credentials are still the same
 * user. One character for each byte, whatever the bytes are; for keys of a Map, not for people.
 */
export function userOf(username: Uint8Array): string {
  let user = ""
  for (let i = username.indexOf(COLON) + 1; i < username.length; i++)
    user += String.fromCharCode(username[i]!)
  return user
}
