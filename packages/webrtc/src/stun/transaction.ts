import type { Crypto } from "../crypto/index.ts"
import { MessageClass, TRANSACTION_ID_LENGTH } from "./header.ts"
import type { StunMessage } from "./message.ts"

/** RFC 8489 §6.2.1. */
export interface TransactionOptions {
  /** The first retransmission timeout, in ms; doubled after each retransmission. Default 500. */
  readonly rto?: number
  /** How many requests are sent in all. Default 7. */
  readonly rc?: number
  /** After the last request, `rm` times the first `rto` is waited. Default 16. */
  readonly rm?: number
}

export const DEFAULT_RTO = 500
export const DEFAULT_RC = 7
export const DEFAULT_RM = 16

/** What is to be done about a transaction now. */
export type TransactionStep = "send" | "wait" | "timed-out"

/**
 * A client's transaction over an unreliable transport: when to send the request again, whether a
 * response is its own, when to give up (RFC 8489 §6.2.1). With the defaults: sent at 0, 0.5, 1.5, 3.5,
 * 7.5, 15.5 and 31.5 s, failed at 39.5 s.
 */
export class Transaction {
  readonly id: Uint8Array
  readonly method: number
  readonly startedAt: number
  /** When `step` next has something else to say than "wait"; Infinity once it timed out. */
  nextTick: number
  /** Requests sent so far. */
  sent = 0
  readonly #rto: number
  readonly #rc: number
  readonly #rm: number

  constructor(method: number, crypto: Crypto, now: number, options: TransactionOptions = {}) {
    this.id = new Uint8Array(TRANSACTION_ID_LENGTH)
    crypto.random(this.id)
    this.method = method
    this.startedAt = now
    this.nextTick = now
    this.#rto = options.rto ?? DEFAULT_RTO
    this.#rc = options.rc ?? DEFAULT_RC
    this.#rm = options.rm ?? DEFAULT_RM
  }

  /** To be called when created and whenever `nextTick` has come. After "send" the caller sends the request. */
  step(now: number): TransactionStep {
    if (now < this.nextTick) return "wait"
    if (this.sent === this.#rc) {
      this.nextTick = Infinity
      return "timed-out"
    }
    this.sent++
    this.nextTick = now + (this.sent === this.#rc ? this.#rm * this.#rto : this.#rto * 2 ** (this.sent - 1))
    return "send"
  }

  /** Whether `message` answers this transaction (RFC 8489 §6.3). */
  isAnsweredBy(message: StunMessage): boolean {
    const isResponse = message.class === MessageClass.success || message.class === MessageClass.error
    return isResponse && message.method === this.method && message.hasTransactionId(this.id)
  }

  /**
   * The round trip in ms, when an answer came at `now`. By Karn's algorithm there is none once the
   * request was sent twice: the answer may be to either (RFC 8489 §6.2.1).
   */
  roundTrip(now: number): number | undefined {
    return this.sent === 1 ? now - this.startedAt : undefined
  }
}
