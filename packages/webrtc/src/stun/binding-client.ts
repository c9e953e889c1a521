import type { Address } from "../bytes/index.ts"
import type { Datagram, Machine, Out, Path } from "../contract/index.ts"
import type { Crypto } from "../crypto/index.ts"
import { Attribute } from "./attributes.ts"
import { readErrorCode } from "./error-code.ts"
import { hasValidFingerprint } from "./fingerprint.ts"
import { HEADER_LENGTH, MessageClass, Method } from "./header.ts"
import { StunMessage } from "./message.ts"
import { Transaction, type TransactionOptions } from "./transaction.ts"
import { StunWriter } from "./writer.ts"
import { AddressSlot, readXorAddress } from "./xor-address.ts"

/** RFC 8489 §6.2: a client should not have more than ten transactions under way. */
export const MAX_OUTSTANDING_QUERIES = 10

export type BindingEvent =
  /** `reflexive` is where the server sees our packets come from. `roundTrip` in ms, where it is certain. */
  | {
      readonly type: "reflexive"
      readonly query: number
      readonly reflexive: Address
      readonly roundTrip?: number
    }
  | { readonly type: "failed"; readonly query: number; readonly reason: "timeout" }
  | {
      readonly type: "failed"
      readonly query: number
      readonly reason: "refused"
      readonly code: number
      readonly text: string
    }

export interface BindingClientOptions extends TransactionOptions {
  readonly crypto: Crypto
}

interface Query {
  readonly number: number
  readonly server: Path
  readonly transaction: Transaction
}

/** Understood in a Binding response (RFC 8489 §6.3.3); MAPPED-ADDRESS only so as not to stumble over it. */
const UNDERSTOOD: ReadonlySet<number> = new Set([
  Attribute.xorMappedAddress,
  Attribute.mappedAddress,
  Attribute.errorCode,
  Attribute.unknownAttributes,
])

const REQUEST_LENGTH = HEADER_LENGTH + 8

/** Asks STUN servers for our reflexive address (RFC 8489 §2), without authentication. */
export class BindingClient implements Machine<BindingEvent> {
  readonly #options: BindingClientOptions
  readonly #queries: Query[] = []
  readonly #message = new StunMessage()
  readonly #writer = new StunWriter()
  readonly #address = new AddressSlot()
  #lastQuery = 0

  constructor(options: BindingClientOptions) {
    this.#options = options
  }

  /** Asks the server behind a path, which is held until the answer. Returns a number that the event repeats. */
  query(server: Path, now: number, out: Out<BindingEvent>): number {
    if (this.#queries.length === MAX_OUTSTANDING_QUERIES) {
      throw new RangeError(`query: ${MAX_OUTSTANDING_QUERIES} queries are under way already`)
    }
    out.paths.hold(server)
    const transaction = new Transaction(Method.binding, this.#options.crypto, now, this.#options)
    const query = { number: ++this.#lastQuery, server, transaction }
    this.#queries.push(query)
    this.#step(query, now, out)
    return query.number
  }

  /** Nobody waits for the answer any more. Of a query that was answered, nothing happens. */
  cancel(number: number, out: Out<BindingEvent>): void {
    const at = this.#queries.findIndex(query => query.number === number)
    if (at < 0) return
    const [query] = this.#queries.splice(at, 1)
    out.paths.release(query!.server)
  }

  receive(d: Datagram, now: number, out: Out<BindingEvent>): void {
    const message = this.#message
    if (message.parse(d.bytes, d.offset, d.length) !== undefined) return
    const query = this.#queries.find(q => q.server === d.path && q.transaction.isAnsweredBy(message))
    if (query === undefined) return
    // We ask with a FINGERPRINT; an answer may do without, but not have a wrong one (RFC 8489 §7).
    if (message.fingerprintAt >= 0 && !hasValidFingerprint(message)) return
    const event = this.#read(query, now)
    if (event !== undefined) this.#finish(query, event, out)
  }

  reply(): void {
    // It asks its driver for nothing.
  }

  tick(now: number, out: Out<BindingEvent>): void {
    // Backwards: who timed out is taken out.
    for (let i = this.#queries.length - 1; i >= 0; i--) this.#step(this.#queries[i]!, now, out)
  }

  get nextTick(): number {
    let next = Infinity
    for (const { transaction } of this.#queries) next = Math.min(next, transaction.nextTick)
    return next
  }

  #read(query: Query, now: number): BindingEvent | undefined {
    const message = this.#message
    if (message.class === MessageClass.error) {
      const error = readErrorCode(message)
      if (error === undefined) return undefined
      return { type: "failed", query: query.number, reason: "refused", code: error.code, text: error.reason }
    }
    const index = message.indexOf(Attribute.xorMappedAddress)
    if (index < 0 || message.hasUnknownAttributes(UNDERSTOOD)) return undefined
    if (!readXorAddress(message, index, this.#address)) return undefined
    const roundTrip = query.transaction.roundTrip(now)
    return {
      type: "reflexive",
      query: query.number,
      reflexive: this.#address.copy(),
      ...(roundTrip === undefined ? {} : { roundTrip }),
    }
  }

  #step(query: Query, now: number, out: Out<BindingEvent>): void {
    const step = query.transaction.step(now)
    if (step === "send") this.#send(query, out)
    if (step === "timed-out") {
      this.#finish(query, { type: "failed", query: query.number, reason: "timeout" }, out)
    }
  }

  #send(query: Query, out: Out<BindingEvent>): void {
    const at = out.reserve(query.server, REQUEST_LENGTH)
    const { id } = query.transaction
    this.#writer.begin(out.bytes, at, REQUEST_LENGTH, MessageClass.request, Method.binding, id)
    this.#writer.fingerprint()
    out.commit(this.#writer.end())
  }

  #finish(query: Query, event: BindingEvent, out: Out<BindingEvent>): void {
    this.#queries.splice(this.#queries.indexOf(query), 1)
    out.paths.release(query.server)
    out.tell(event)
  }
}
