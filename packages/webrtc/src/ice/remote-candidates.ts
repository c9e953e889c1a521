import { type Address, equalAddress } from "../bytes/index.ts"
import type { Candidate } from "./candidate.ts"
import type { IceLimits } from "./options.ts"

/** How long a learnt candidate is kept that gives no valid pair, in ms, where another one wants its place. */
const CHANCE = 5_000

/** What the other agent told, and what was learnt from its checks (RFC 8445 §7.3.1.3). */
export class RemoteCandidates {
  readonly all: Candidate[] = []
  /** Of `all`, those that nobody told, the oldest first. */
  readonly #learnt: { readonly candidate: Candidate; readonly at: number }[] = []
  readonly #limits: IceLimits

  constructor(limits: IceLimits) {
    this.#limits = limits
  }

  at(transport: Candidate["transport"], address: Address): Candidate | undefined {
    return this.all.find(known => known.transport === transport && equalAddress(known.address, address))
  }

  /** Takes one that was told. False when there are too many. */
  add(candidate: Candidate): boolean {
    if (this.#isFullOfTold) return false
    this.all.push(candidate)
    return true
  }

  /** Of what was learnt its type and foundation are the other end's to say (RFC 8838 §11.4). False when all was known. */
  rename(known: Candidate, told: Candidate): boolean {
    const at = this.#learnt.findIndex(({ candidate }) => candidate === known)
    if (at < 0 || told.type === "prflx" || this.#isFullOfTold) return false
    this.#learnt.splice(at, 1)
    this.all[this.all.indexOf(known)] = told
    return true
  }

  learn(candidate: Candidate, now: number): void {
    this.all.push(candidate)
    this.#learnt.push({ candidate, at: now })
  }

  get #isFullOfTold(): boolean {
    return this.all.length - this.#learnt.length >= this.#limits.remoteCandidates
  }

  get isFullOfLearnt(): boolean {
    return this.#learnt.length >= this.#limits.learntCandidates
  }

  /**
   * Where both NATs give each destination another port, each check begets a check from elsewhere, and none is ever
   * answered. So what was learnt has a limit of its own, and makes room only when it had its chance. Returns what did.
   */
  makeRoom(isOfUse: (candidate: Candidate) => boolean, now: number): Candidate | undefined {
    const at = this.#learnt.findIndex(({ candidate, at }) => now - at >= CHANCE && !isOfUse(candidate))
    if (at < 0) return undefined
    const { candidate } = this.#learnt[at]!
    this.#learnt.splice(at, 1)
    this.all.splice(this.all.indexOf(candidate), 1)
    return candidate
  }
}
