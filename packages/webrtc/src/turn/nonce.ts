import { type Address, readUint32, writeUint16, writeUint32 } from "../bytes/index.ts"
import { type Crypto, equalInConstantTime, type Hmac } from "../crypto/index.ts"
import { hasNonceCookie, NONCE_COOKIE } from "../stun/index.ts"
import { decodeBase64, encodeBase64 } from "./base64.ts"

const TIME_LENGTH = 4
const TAG_LENGTH = 8
/** Characters of a nonce behind its cookie: short, because it goes to whoever asks (RFC 8489 §14.10 allows 128). */
export const NONCE_LENGTH = 16

/** How long a nonce is good, in ms: RFC 8656 §5 wants it replaced at least once an hour. */
export const DEFAULT_NONCE_LIFETIME = 3_600_000

/**
 * Nonces that need no memory: the time, and a keyed hash over it and the client's address and port,
 * truncated. Two clients never share one (RFC 8489 §9.2.4), and who returns one has received it where
 * it says it is: nothing is kept for anybody before that.
 *
 * The hash also covers whether the nonce came with a cookie: one that lost it on the way is not ours any more
 * (RFC 8489 §9.2.1).
 */
export class NonceMint {
  readonly #hmac: Hmac
  readonly #lifetime: number

  constructor(crypto: Crypto, lifetime: number) {
    const key = new Uint8Array(32)
    crypto.random(key)
    this.#hmac = crypto.hmac("sha256", key)
    this.#lifetime = lifetime
  }

  /** `now` in ms, on the clock that `isValid` is asked with. */
  mint(client: Address, now: number, withCookie = false): Uint8Array {
    const nonce = new Uint8Array(TIME_LENGTH + TAG_LENGTH)
    writeUint32(nonce, 0, seconds(now))
    nonce.set(this.#tag(nonce.subarray(0, TIME_LENGTH), client, withCookie), TIME_LENGTH)
    const text = encodeBase64(nonce)
    if (!withCookie) return text
    const whole = new Uint8Array(NONCE_COOKIE.length + NONCE_LENGTH)
    whole.set(NONCE_COOKIE)
    whole.set(text, NONCE_COOKIE.length)
    return whole
  }

  /** Whether we minted it, for this client, not too long ago. */
  isValid(text: Uint8Array, client: Address, now: number): boolean {
    const withCookie = hasNonceCookie(text)
    const own = withCookie ? text.subarray(NONCE_COOKIE.length) : text
    if (own.length !== NONCE_LENGTH) return false
    const nonce = decodeBase64(own)
    if (nonce === undefined) return false
    const time = nonce.subarray(0, TIME_LENGTH)
    if (!equalInConstantTime(this.#tag(time, client, withCookie), nonce.subarray(TIME_LENGTH))) return false
    // Unsigned, so that it outlives the counter's wrap; nothing of ours is from the future.
    const age = (seconds(now) - readUint32(time, 0)) >>> 0
    return age * 1000 < this.#lifetime
  }

  #tag(time: Uint8Array, client: Address, withCookie: boolean): Uint8Array {
    const rest = new Uint8Array(3)
    rest[0] = withCookie ? 1 : 0
    writeUint16(rest, 1, client.port)
    return this.#hmac.sign(time, rest, client.ip).subarray(0, TAG_LENGTH)
  }
}

function seconds(now: number): number {
  return Math.floor(now / 1000) >>> 0
}
