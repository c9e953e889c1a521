import type { Out, Path } from "../contract/index.ts"
import { MessageClass, type PasswordAlgorithm, StunWriter } from "../stun/index.ts"
import type { Counters } from "./counters.ts"
import type { LongTermKey } from "./long-term-key.ts"

/** No response is longer, but for one with PADDING (RFC 5780 §7.6): the largest STUN message for an unknown path MTU over IPv4 (RFC 8489 §6.1). */
export const MAX_RESPONSE_LENGTH = 548

/** What a response needs to know of its request, and all that is kept of one that is answered later. */
export interface ReplyTo {
  readonly client: Path
  readonly method: number
  readonly transactionId: Uint8Array
  /** Whether the request had a FINGERPRINT: then the response has one (RFC 8489 §7). */
  readonly fingerprint: boolean
  /** What the request was authenticated with, if it was: then the response is too (RFC 8489 §9.2.4). */
  readonly key: LongTermKey | undefined
  /** The PASSWORD-ALGORITHM of the request: it decides which integrity the response has (RFC 8489 §9.2.4). */
  readonly algorithm: PasswordAlgorithm | undefined
}

/** Writes responses straight into the send slab. Without SOFTWARE: it tells attackers more than users. */
export class Responder {
  readonly #writer = new StunWriter()
  readonly #counters: Counters

  constructor(counters: Counters) {
    this.#counters = counters
  }

  /** Returns the length of the response, as `error` does, in bytes. */
  success(
    to: ReplyTo,
    out: Out<never>,
    attributes?: (writer: StunWriter) => void,
    room: number = MAX_RESPONSE_LENGTH,
  ): number {
    return this.#respond(to, MessageClass.success, out, attributes, room)
  }

  /** Without a reason phrase: the code says it, and the response stays small (RFC 8489 §14.8). */
  error(to: ReplyTo, code: number, out: Out<never>, attributes?: (writer: StunWriter) => void): number {
    this.#counters.error(code)
    const write = (writer: StunWriter): void => {
      writer.errorCode(code)
      attributes?.(writer)
    }
    return this.#respond(to, MessageClass.error, out, write, MAX_RESPONSE_LENGTH)
  }

  #respond(
    to: ReplyTo,
    messageClass: MessageClass,
    out: Out<never>,
    attributes: ((writer: StunWriter) => void) | undefined,
    room: number,
  ): number {
    const at = out.reserve(to.client, room)
    const writer = this.#writer
    writer.begin(out.bytes, at, room, messageClass, to.method, to.transactionId)
    attributes?.(writer)
    to.key?.authenticate(writer, to.algorithm)
    if (to.fingerprint) writer.fingerprint()
    const length = writer.end()
    out.commit(length)
    return length
  }
}
