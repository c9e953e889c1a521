import { NO_PATH, type Out, type Path } from "../../contract/index.ts"
import type { Crypto } from "../../crypto/index.ts"
import {
  Attribute,
  DEFAULT_RC,
  DEFAULT_RM,
  DEFAULT_RTO,
  MessageClass,
  readErrorCode,
  type StunMessage,
  StunWriter,
  Transaction,
  type TransactionOptions,
} from "../../stun/index.ts"
import { type Failure, type FailureReason, failureOf, type TurnClientEvent } from "./events.ts"
import type { LongTermCredential } from "./long-term-credential.ts"

/** No request is longer: the longest credentials, and the peers of one CreatePermission. */
const MAX_REQUEST_LENGTH = 3072

/** How long the answer on a stream is waited for, in ms: Ti (RFC 8489 §6.2.2). */
export const DEFAULT_TI = 39_500

/**
 * In the first request only (RFC 8489 §6.1, §14.14). A server that answers strangers with little more than they sent
 * has room for PASSWORD-ALGORITHMS then.
 */
const SOFTWARE = "tightbeam"

/** How often in a row a request is repeated because of a 401 or 438: a server cannot keep us asking. */
export const MAX_CHALLENGES = 4

/** What is understood in a response or a Data indication (RFC 8489 §6.3.2, §6.3.3). */
export const UNDERSTOOD: ReadonlySet<number> = new Set([
  Attribute.mappedAddress,
  Attribute.username,
  Attribute.errorCode,
  Attribute.unknownAttributes,
  Attribute.channelNumber,
  Attribute.lifetime,
  Attribute.xorPeerAddress,
  Attribute.data,
  Attribute.realm,
  Attribute.nonce,
  Attribute.xorRelayedAddress,
  Attribute.requestedAddressFamily,
  Attribute.evenPort,
  Attribute.requestedTransport,
  Attribute.dontFragment,
  Attribute.passwordAlgorithm,
  Attribute.userhash,
  Attribute.xorMappedAddress,
  Attribute.reservationToken,
])

/** How a request ended. `message` is valid only during the call. */
export type Outcome =
  | { readonly type: "success"; readonly message: StunMessage; readonly startedAt: number }
  | { readonly type: "error"; readonly failure: Failure; readonly message: StunMessage }
  | { readonly type: "failed"; readonly failure: Failure }

export type OnOutcome = (outcome: Outcome, now: number, out: Out<TurnClientEvent>) => void

/** A request until its final answer: one transaction, and another for each challenge. */
interface Exchange {
  readonly method: number
  readonly fill: (writer: StunWriter) => void
  readonly done: OnOutcome
  transaction: Transaction
  isSigned: boolean
  challenges: number
  /** An answer came that was not authenticated. */
  isViolated: boolean
}

/**
 * Requests to one server with long-term credentials: sent until answered (RFC 8489 §6.2), repeated for a challenge
 * (§9.2.5), their answers taken only from that server, by transaction id, and authenticated.
 */
export class Requests {
  readonly #crypto: Crypto
  readonly #credential: LongTermCredential
  readonly #overUdp: TransactionOptions
  readonly #capacity: number
  readonly #writer = new StunWriter()
  readonly #exchanges: Exchange[] = []
  #server: Path = NO_PATH
  #isReliable = false

  constructor(
    crypto: Crypto,
    credential: LongTermCredential,
    { rto = DEFAULT_RTO, rc = DEFAULT_RC, rm = DEFAULT_RM }: TransactionOptions,
    capacity: number,
  ) {
    this.#crypto = crypto
    this.#credential = credential
    this.#overUdp = { rto, rc, rm }
    this.#capacity = capacity
  }

  /** Where requests go from now on. */
  direct(server: Path, isReliable: boolean): void {
    this.#server = server
    this.#isReliable = isReliable
  }

  /** Whether there may be one more. */
  get hasRoom(): boolean {
    return this.#exchanges.length < this.#capacity
  }

  /** `fill` may be called more than once: it writes all but the credentials. */
  send(
    method: number,
    fill: (writer: StunWriter) => void,
    done: OnOutcome,
    now: number,
    out: Out<TurnClientEvent>,
  ): void {
    const transaction = this.#newTransaction(method, now)
    const isSigned = this.#credential.isKnown
    const exchange = { method, fill, done, transaction, isSigned, challenges: 0, isViolated: false }
    this.#exchanges.push(exchange)
    this.#step(exchange, now, out)
  }

  /** A response came from the server. Whatever does not answer a request changes nothing. */
  receive(message: StunMessage, now: number, out: Out<TurnClientEvent>): void {
    const exchange = this.#exchanges.find(each => each.transaction.isAnsweredBy(message))
    if (exchange === undefined) return
    const error = message.class === MessageClass.error ? readErrorCode(message) : undefined
    if (message.class === MessageClass.error && error === undefined) return
    if (error?.code === 401 || error?.code === 438) {
      this.#challenged(exchange, message, error.code, error.reason, now, out)
      return
    }
    if (exchange.isSigned && !this.#credential.verifies(message)) {
      // RFC 8489 §9.2.5: as if it had never come, but on a stream no other will come.
      exchange.isViolated = true
      if (this.#isReliable) this.#fail(exchange, "integrity-violated", now, out)
      return
    }
    if (error !== undefined) {
      const failure = failureOf(error.code, error.reason)
      this.#finish(exchange, { type: "error", failure, message }, now, out)
    } else if (message.hasUnknownAttributes(UNDERSTOOD)) {
      this.#fail(exchange, "unreadable", now, out)
    } else {
      const { startedAt } = exchange.transaction
      this.#finish(exchange, { type: "success", message, startedAt }, now, out)
    }
  }

  tick(now: number, out: Out<TurnClientEvent>): void {
    // A copy: what ends may bring new ones, or end all.
    for (const exchange of this.#exchanges.slice())
      if (this.#exchanges.includes(exchange)) this.#step(exchange, now, out)
  }

  get nextTick(): number {
    let next = Infinity
    for (const { transaction } of this.#exchanges) next = Math.min(next, transaction.nextTick)
    return next
  }

  /** Ends all of them; nobody is told. */
  forget(): void {
    this.#exchanges.length = 0
  }

  #challenged(
    exchange: Exchange,
    message: StunMessage,
    code: 401 | 438,
    text: string,
    now: number,
    out: Out<TurnClientEvent>,
  ): void {
    const challenged = this.#credential.challenge(message, code, exchange.isSigned)
    if (challenged !== "retry") {
      const isRefused = challenged === "unauthenticated"
      const failure = isRefused ? failureOf(code, text) : { reason: challenged, code, text }
      this.#finish(exchange, { type: "failed", failure }, now, out)
    } else if (exchange.challenges === MAX_CHALLENGES) {
      this.#finish(exchange, { type: "failed", failure: failureOf(code, text) }, now, out)
    } else {
      exchange.challenges++
      exchange.isSigned = true
      exchange.transaction = this.#newTransaction(exchange.method, now)
      this.#step(exchange, now, out)
    }
  }

  #newTransaction(method: number, now: number): Transaction {
    // On a stream a request is sent once, and waited for as long as UDP's would be in all (RFC 8489 §6.2.2).
    const options = this.#isReliable ? { rto: DEFAULT_TI, rc: 1, rm: 1 } : this.#overUdp
    return new Transaction(method, this.#crypto, now, options)
  }

  #step(exchange: Exchange, now: number, out: Out<TurnClientEvent>): void {
    const step = exchange.transaction.step(now)
    if (step === "send") this.#write(exchange, out)
    // RFC 8489 §9.2.5: "instead of signaling a timeout".
    if (step === "timed-out")
      this.#fail(exchange, exchange.isViolated ? "integrity-violated" : "timeout", now, out)
  }

  #write({ method, fill, transaction, isSigned }: Exchange, out: Out<TurnClientEvent>): void {
    const at = out.reserve(this.#server, MAX_REQUEST_LENGTH)
    const writer = this.#writer
    writer.begin(out.bytes, at, MAX_REQUEST_LENGTH, MessageClass.request, method, transaction.id)
    fill(writer)
    if (isSigned) this.#credential.sign(writer)
    else writer.text(Attribute.software, SOFTWARE)
    out.commit(writer.end())
  }

  #fail(exchange: Exchange, reason: FailureReason, now: number, out: Out<TurnClientEvent>): void {
    this.#finish(exchange, { type: "failed", failure: { reason } }, now, out)
  }

  #finish(exchange: Exchange, outcome: Outcome, now: number, out: Out<TurnClientEvent>): void {
    this.#exchanges.splice(this.#exchanges.indexOf(exchange), 1)
    exchange.done(outcome, now, out)
  }
}
