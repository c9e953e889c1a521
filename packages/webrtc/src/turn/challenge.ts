import type { Out } from "../contract/index.ts"
import {
  ATTRIBUTE_HEADER_LENGTH,
  Attribute,
  FINGERPRINT_LENGTH,
  HEADER_LENGTH,
  NONCE_COOKIE,
  padded,
} from "../stun/index.ts"
import { OFFERED_ALGORITHMS } from "./authentication.ts"
import { NONCE_LENGTH, type NonceMint } from "./nonce.ts"
import type { ReplyTo, Responder } from "./responder.ts"

/**
 * How much longer than its request a datagram to somebody unauthenticated may be: it goes to whoever the request says
 * it came from, and that may be a victim.
 */
export const MAX_AMPLIFICATION = 2.2

/** An ERROR-CODE without a reason, and every other attribute of four bytes. */
const WORD_ATTRIBUTE_LENGTH = ATTRIBUTE_HEADER_LENGTH + 4
/** The header, and the REQUESTED-TRANSPORT that every Allocate must have (RFC 8656 §7.1). */
const SHORTEST_FIRST_REQUEST = HEADER_LENGTH + WORD_ATTRIBUTE_LENGTH

/**
 * Writes the refusals of RFC 8489 §9.2.4 to who is not authenticated: as short as can be.
 *
 * The nonce cookie and PASSWORD-ALGORITHMS are left out where they would make the response longer than
 * `MAX_AMPLIFICATION` allows, which a first Allocate of fewer than 40 bytes brings about: it is then answered as RFC 5389
 * has it. A client that cannot be spoofed, as one over TCP, and every request with credentials get all of it.
 */
export class Challenger {
  readonly #realm: Uint8Array
  readonly #nonces: NonceMint
  readonly #responder: Responder

  constructor(realm: Uint8Array, nonces: NonceMint, responder: Responder) {
    this.#realm = realm
    this.#nonces = nonces
    this.#responder = responder
  }

  /** Returns the length of the response. Lengths in bytes. */
  refuse(to: ReplyTo, code: 400 | 401 | 438, requestLength: number, now: number, out: Out<never>): number {
    const isSpoofable = out.paths.transport(to.client) === "udp"
    const tail = to.fingerprint ? FINGERPRINT_LENGTH : 0
    // No client begins with so little; a challenge would be 2.8 times as long.
    const isTooShort = isSpoofable && requestLength < SHORTEST_FIRST_REQUEST + tail
    if (code === 400 || isTooShort) return this.#responder.error(to, 400, out)
    const offers = !isSpoofable || this.#lengthWithOffer + tail <= MAX_AMPLIFICATION * requestLength
    return this.#responder.error(to, code, out, writer => {
      writer.attribute(Attribute.realm, this.#realm)
      writer.attribute(Attribute.nonce, this.#nonces.mint(out.paths.remote(to.client), now, offers))
      if (offers) writer.attribute(Attribute.passwordAlgorithms, OFFERED_ALGORITHMS)
    })
  }

  get #lengthWithOffer(): number {
    const values = [this.#realm.length, NONCE_COOKIE.length + NONCE_LENGTH, OFFERED_ALGORITHMS.length]
    return values.reduce(
      (sum, length) => sum + ATTRIBUTE_HEADER_LENGTH + padded(length),
      HEADER_LENGTH + WORD_ATTRIBUTE_LENGTH,
    )
  }
}
