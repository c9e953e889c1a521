import type { Address } from "../bytes/index.ts"
import { equalInConstantTime, type Group, type Hmac, type TransportCrypto } from "../crypto/index.ts"
import type { CipherSuite } from "./cipher-suite.ts"
import { concat, Reader, Writer } from "./codec.ts"
import { groupCode } from "./named-group.ts"

const MAC_LENGTH = 16
const SECRET_LENGTH = 32

/** What a HelloRetryRequest said, and the hash of the ClientHello that it answered: all that is needed to go on from it. */
export interface Retry {
  readonly suite: number
  readonly group: number
  readonly isGroupAsked: boolean
  readonly hash: Uint8Array
}

/**
 * Cookies that prove that a client can be reached where it says that it is (RFC 6347 §4.2.1, RFC 9147 §5.1), so that
 * nothing need be kept for who cannot. What they were given for is in them.
 */
export class Cookies {
  readonly #hmac: Hmac
  /** ms. */
  readonly #lifetime: number

  constructor(crypto: TransportCrypto, lifetime: number) {
    const secret = new Uint8Array(SECRET_LENGTH)
    crypto.random(secret)
    this.#hmac = crypto.hmac("sha256", secret)
    this.#lifetime = lifetime
  }

  /** Of a HelloVerifyRequest. */
  forVersion12(from: Address, now: number): Uint8Array {
    return this.#seal(new Writer().uint64(Math.floor(now)).done, from)
  }

  isForVersion12(cookie: Uint8Array, from: Address, now: number): boolean {
    const content = this.#open(cookie, from, now)
    return content !== undefined && content.left === 0
  }

  /** Of a HelloRetryRequest. */
  forRetry(
    suite: CipherSuite,
    group: Group,
    isGroupAsked: boolean,
    hash: Uint8Array,
    from: Address,
    now: number,
  ): Uint8Array {
    const content = new Writer()
      .uint64(Math.floor(now))
      .uint16(suite.code)
      .uint16(groupCode(group))
      .uint8(isGroupAsked ? 1 : 0)
      .vector8(writer => writer.bytes(hash)).done
    return this.#seal(content, from)
  }

  retryOf(cookie: Uint8Array, from: Address, now: number): Retry | undefined {
    const content = this.#open(cookie, from, now)
    if (content === undefined) return undefined
    const retry = {
      suite: content.uint16(),
      group: content.uint16(),
      isGroupAsked: content.uint8() === 1,
      hash: content.vector8(),
    }
    return content.isWhole ? retry : undefined
  }

  #seal(content: Uint8Array, from: Address): Uint8Array {
    return concat(content, this.#mac(content, from))
  }

  /** What follows the time. */
  #open(cookie: Uint8Array, from: Address, now: number): Reader | undefined {
    const end = cookie.length - MAC_LENGTH
    if (end < 8) return undefined
    const content = cookie.subarray(0, end)
    if (!equalInConstantTime(cookie.subarray(end), this.#mac(content, from))) return undefined
    const reader = new Reader(content)
    const age = now - reader.uint64()
    return age >= -1 && age <= this.#lifetime ? reader : undefined
  }

  #mac(content: Uint8Array, { ip, port }: Address): Uint8Array {
    const about = new Writer().vector8(writer => writer.bytes(ip)).uint16(port).done
    return this.#hmac.sign(about, content).slice(0, MAC_LENGTH)
  }
}
