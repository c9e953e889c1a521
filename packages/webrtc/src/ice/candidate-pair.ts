import type { Path } from "../contract/index.ts"
import type { StunMessage } from "../stun/index.ts"
import type { Base } from "./base.ts"
import type { Candidate } from "./candidate.ts"
import type { IceRole } from "./options.ts"
import { RoundTrip, type RtoOptions } from "./round-trip.ts"

/** RFC 8445 §6.1.2.6. */
export type PairState = "frozen" | "waiting" | "in-progress" | "succeeded" | "failed"

/** A check under way: a STUN transaction of its own. */
export interface Check {
  readonly id: Uint8Array
  readonly role: IceRole
  readonly isNominating: boolean
  readonly nomination: number
  readonly startedAt: number
  /** Requests sent so far. */
  sent: number
  /** When it is sent again, ms; Infinity when it is not. */
  nextAt: number
  rto: number
}

/** Checks of a pair whose answers are still good, beside the one that is sent again. */
const ANSWERABLE = 8

/** A base of ours and a candidate of theirs (RFC 8445 §6.1.2). */
export class CandidatePair {
  readonly id: number
  readonly base: Base
  /** `NO_PATH` while a connection is being made, and of a relay. */
  path: Path
  /** The base's own until an answer says where the base is seen at (RFC 8445 §7.2.5.3.2). */
  local: Candidate
  remote: Candidate
  /** RFC 8445 §6.1.2.6: pairs whose foundations are the same are likely to share their fate. */
  foundation: string
  state: PairState = "frozen"
  /** Sent again until it is answered. */
  check: Check | undefined
  /** Sent once, or given up for another. */
  readonly answerable: Check[] = []
  isTriggered = false
  /** The last error that a check was answered with. */
  refusal = 0
  /** The highest nomination that came or was answered, 0 for one without a number, -1 for none. */
  nomination = -1
  /** When the nomination was last said. */
  nominatedAt: number = -Infinity
  readonly roundTrip: RoundTrip
  /** Of those that succeeded. When the other end last showed that it wants to be sent to (RFC 7675 §5.1). */
  consentedAt: number = -Infinity
  /** When anything authentic last came: an answer, or a check of theirs. */
  heardAt: number = -Infinity
  /** Since when checks are not answered; Infinity while they are. */
  unansweredSince: number = Infinity
  /** Another pair is better, until it answers. */
  isDoubted = false
  /** When consent is next asked for. */
  askAt: number = Infinity

  constructor(id: number, base: Base, path: Path, remote: Candidate, rto: RtoOptions | undefined) {
    this.id = id
    this.base = base
    this.path = path
    this.local = base.candidate
    this.remote = remote
    this.foundation = foundationOf(base, remote)
    this.roundTrip = new RoundTrip(rto)
  }

  /** What their candidate is called from now on. */
  rename(remote: Candidate): void {
    this.remote = remote
    this.foundation = foundationOf(this.base, remote)
  }

  /** Whether its other end ever proved who it is. */
  get isHeard(): boolean {
    return this.heardAt !== -Infinity
  }

  get isRelayed(): boolean {
    return this.local.type === "relay" || this.remote.type === "relay"
  }

  /** Forgets the check that is sent again, but not what would answer it. */
  cancelCheck(): void {
    if (this.check === undefined) return
    this.remember(this.check)
    this.check = undefined
  }

  /** What is answered is not sent again; what its answer makes superfluous neither. */
  settle(check: Check): void {
    const at = this.answerable.indexOf(check)
    if (at >= 0) this.answerable.splice(at, 1)
    if (this.check === check || this.check?.isNominating === false) this.check = undefined
  }

  /** Which of its checks a message answers. */
  answeredBy(message: StunMessage): Check | undefined {
    if (this.check !== undefined && message.hasTransactionId(this.check.id)) return this.check
    return this.answerable.find(({ id }) => message.hasTransactionId(id))
  }

  remember(check: Check): void {
    check.nextAt = Infinity
    if (this.answerable.length === ANSWERABLE) this.answerable.shift()
    this.answerable.push(check)
  }
}

function foundationOf({ candidate }: Base, remote: Candidate): string {
  return `${candidate.foundation}:${remote.foundation}`
}

/**
 * By priority, the highest first: RFC 8445 §6.1.2.3's formula, compared without its 64 bits. Our own candidate counts as
 * the base until an answer shows what it is to the other end (RFC 8445 §7.2.5.3.2): then both ends order them alike.
 */
export function byPriority(a: CandidatePair, b: CandidatePair, role: IceRole): number {
  // Of what is equal the older is as good.
  return comparePriority(a, b, role) || a.id - b.id
}

/** 0 where both ends cannot tell them apart. */
export function comparePriority(a: CandidatePair, b: CandidatePair, role: IceRole): number {
  const [a1, a2] = [a.local.priority, a.remote.priority]
  const [b1, b2] = [b.local.priority, b.remote.priority]
  const lowest = Math.min(b1, b2) - Math.min(a1, a2)
  if (lowest !== 0) return lowest
  const highest = Math.max(b1, b2) - Math.max(a1, a2)
  if (highest !== 0) return highest
  const isOursHigher = (ours: number, theirs: number) =>
    role === "controlling" ? ours > theirs : theirs > ours
  return Number(isOursHigher(b1, b2)) - Number(isOursHigher(a1, a2))
}
