import type { Hmac } from "../crypto/index.ts"
import { StunWriter, TRANSACTION_ID_LENGTH } from "../stun/index.ts"
import { reflexivePriority } from "./base.ts"
import type { CandidatePair, Check } from "./candidate-pair.ts"
import { checkLength, writeCheck } from "./connectivity-check.ts"
import { type IceCredentials, type RemoteDescription, shortTermKey } from "./credentials.ts"
import type { IceOut } from "./events.ts"
import { RoundTrip } from "./round-trip.ts"
import type { Shared } from "./session.ts"

/** Of a check that nobody answers, in ms: the timeout doubles up to here. A hole that opens late is found within it. */
const MAX_RTO = 2_000
/** After this, in ms, a check has failed: as long as RFC 8489 §6.2.1's. */
const CHECK_LIFETIME = 39_500

/** Sends checks to the other agent, as often as they need to be sent (RFC 8445 §7.2.4, §14.3). */
export class Checker {
  /** What answers are signed with. */
  readonly key: Hmac
  readonly #shared: Shared
  readonly #username: Uint8Array
  readonly #knowsNominations: boolean
  readonly #writer = new StunWriter()
  /** Requests sent since anything was answered. */
  #unanswered = 0
  /** Of all pairs: how long a pair that was not answered yet may take. */
  readonly #roundTrip: RoundTrip

  constructor(local: IceCredentials, remote: RemoteDescription, shared: Shared) {
    this.#shared = shared
    this.key = shortTermKey(shared.crypto, remote.pwd)
    // RFC 8445 §7.2.2: theirs first.
    this.#username = new TextEncoder().encode(`${remote.ufrag}:${local.ufrag}`)
    this.#knowsNominations = remote.options?.includes("renomination") === true
    this.#roundTrip = new RoundTrip(shared.rto)
  }

  /** Whether so many checks were for nothing that no more are sent, whatever candidates there are (RFC 8445 §19.5.1). */
  get isSpent(): boolean {
    return this.#unanswered >= this.#shared.limits.checks
  }

  /** A new transaction, sent again until it is answered. `nomination` counts from 1; 0 where the pair is not nominated. */
  begin(pair: CandidatePair, nomination: number, now: number, out: IceOut): void {
    pair.cancelCheck()
    const measured = pair.roundTrip.smoothed >= 0 ? pair.roundTrip : this.#roundTrip
    const check = this.#newCheck(nomination, now, measured.timeout)
    pair.check = check
    this.#send(pair, check, now, out)
    check.nextAt = now + (pair.base.isReliable ? CHECK_LIFETIME : check.rto)
  }

  /** A request of the same transaction (RFC 8489 §6.2.1). False when there were enough. */
  again(pair: CandidatePair, check: Check, now: number, out: IceOut): boolean {
    if (now - check.startedAt >= CHECK_LIFETIME || this.isSpent) {
      pair.check = undefined
      return false
    }
    check.rto = Math.min(check.rto * 2, Math.max(MAX_RTO, check.rto))
    this.#send(pair, check, now, out)
    check.nextAt = Math.min(now + check.rto, check.startedAt + CHECK_LIFETIME)
    return true
  }

  /** RFC 7675 §5.1: for consent, a transaction of its own each time, sent once. */
  ask(pair: CandidatePair, nomination: number, now: number, out: IceOut): void {
    const check = this.#newCheck(nomination, now, 0)
    pair.remember(check)
    this.#write(pair, check, now, out)
  }

  /** An answer came. Returns the round trip in ms where it is certain which request it answers (RFC 8489 §6.2.1). */
  answered(pair: CandidatePair, check: Check, now: number): number | undefined {
    pair.settle(check)
    this.#unanswered = 0
    const roundTrip = now - check.startedAt
    pair.roundTrip.atMost = roundTrip
    if (check.sent !== 1) return undefined
    pair.roundTrip.sample(roundTrip)
    this.#roundTrip.sample(roundTrip)
    return roundTrip
  }

  #newCheck(nomination: number, now: number, rto: number): Check {
    const id = new Uint8Array(TRANSACTION_ID_LENGTH)
    this.#shared.crypto.random(id)
    return {
      id,
      role: this.#shared.role,
      isNominating: nomination > 0,
      nomination: this.#knowsNominations ? nomination : 0,
      startedAt: now,
      sent: 0,
      nextAt: Infinity,
      rto,
    }
  }

  #send(pair: CandidatePair, check: Check, now: number, out: IceOut): void {
    this.#write(pair, check, now, out)
    const { sent: attempt, isNominating: nominating } = check
    out.note({ layer: "ice", kind: "check-sent", pair: pair.id, attempt, nominating })
  }

  #write(pair: CandidatePair, check: Check, now: number, out: IceOut): void {
    check.sent++
    this.#unanswered++
    const { base, remote, path } = pair
    const request = {
      ...check,
      username: this.#username,
      priority: reflexivePriority(base),
      tieBreaker: this.#shared.tieBreaker,
      key: this.key,
    }
    const at = base.reserve(remote.address, path, checkLength(request), now, out)
    if (at >= 0) base.commit(writeCheck(this.#writer, out.bytes, at, request), out)
  }
}
