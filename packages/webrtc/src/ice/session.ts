import { type Address, equalAddress, formatAddress } from "../bytes/index.ts"
import { NO_PATH, type Path } from "../contract/index.ts"
import type { Crypto, Hmac } from "../crypto/index.ts"
import {
  AddressSlot,
  Attribute,
  hasValidIntegrity,
  MessageClass,
  readErrorCode,
  readXorAddress,
  type StunMessage,
} from "../stun/index.ts"
import { type Base, reflexivePriority } from "./base.ts"
import { type Candidate, COMPONENT, describeCandidate } from "./candidate.ts"
import { candidateEvidence } from "./candidate-evidence.ts"
import { CandidatePair, type Check } from "./candidate-pair.ts"
import { CheckList } from "./check-list.ts"
import type { Arrival, CheckResponder } from "./check-responder.ts"
import { Checker } from "./checker.ts"
import { claimedRole, isAtLeast, nominationOf, UNDERSTOOD } from "./connectivity-check.ts"
import { Consent } from "./consent.ts"
import { type IceCredentials, type RemoteDescription, randomText, shortTermKey } from "./credentials.ts"
import { EarlyChecks, type HeardCheck } from "./early-checks.ts"
import type { IceOut } from "./events.ts"
import type { IceLimits, IceRole } from "./options.ts"
import { RemoteCandidates } from "./remote-candidates.ts"
import type { RtoOptions } from "./round-trip.ts"
import { Selection } from "./selection.ts"

/** What all generations of an agent share. */
export interface Shared {
  readonly crypto: Crypto
  readonly limits: IceLimits
  readonly rto: RtoOptions | undefined
  readonly isLite: boolean
  readonly tieBreaker: Uint8Array
  readonly responder: CheckResponder
  role: IceRole
  nextPairId: number
}

/** One ICE session: what is between two restarts (RFC 8445 §4), with its credentials, its pairs and the one it chose. */
export class Session {
  readonly generation: number
  readonly local: IceCredentials
  remote: RemoteDescription | undefined
  readonly list: CheckList
  readonly remotes: RemoteCandidates
  /** When the first check could be sent; Infinity before. */
  startedAt: number = Infinity
  /** When there last was a pair that works. */
  workedAt: number = -Infinity
  readonly #shared: Shared
  readonly #consent: Consent
  readonly #localKey: Hmac
  readonly #selection: Selection
  /** Once we know whom to ask. Whoever only answers has none. */
  #checker: Checker | undefined
  readonly #bases: Base[] = []
  #reflexive: { readonly base: Base; readonly candidate: Candidate }[] = []
  readonly early: EarlyChecks
  readonly #mapped = new AddressSlot()

  constructor(generation: number, local: IceCredentials, shared: Shared) {
    this.generation = generation
    this.local = local
    this.#shared = shared
    this.remotes = new RemoteCandidates(shared.limits)
    this.list = new CheckList(shared.limits.pairs)
    this.early = new EarlyChecks(shared.limits.earlyChecks)
    this.#consent = new Consent(shared.crypto, shared.limits.consent)
    this.#selection = new Selection(this.#consent)
    this.#localKey = shortTermKey(shared.crypto, local.pwd)
  }

  /** Data goes over it. */
  get selected(): CandidatePair | undefined {
    return this.#selection.selected
  }

  /** Whether pairs are known that work, however long ago. */
  get hasValid(): boolean {
    return this.list.pairs.some(({ state }) => state === "succeeded")
  }

  /** Whether there is a pair yet that may turn out to work. */
  get isUndecided(): boolean {
    return this.#checker?.isSpent !== true && this.list.isUndecided
  }

  /** Whether what is selected answers. */
  isWorking(now: number): boolean {
    return this.selected !== undefined && !this.#consent.isDoubtful(this.selected, now)
  }

  setRemote(remote: RemoteDescription, now: number, out: IceOut): void {
    this.remote = remote
    if (!this.#shared.isLite) this.#checker = new Checker(this.local, remote, this.#shared)
    // RFC 8445 §6.1.1: whoever only answers cannot nominate.
    if (remote.lite === true && !this.#shared.isLite)
      this.#turnInto("controlling", "the other end is lite", out)
    this.#start(now)
    this.early.take(check => this.#learn(check, now, out), out.paths)
  }

  /** Returns why it was not taken. */
  addRemote(candidate: Candidate, now: number, out: IceOut): string | undefined {
    const known = this.remotes.at(candidate.transport, candidate.address)
    if (known !== undefined) {
      if (this.remotes.rename(known, candidate)) this.#rename(known, candidate)
      return undefined
    }
    if (!this.remotes.add(candidate)) return `more than ${this.#shared.limits.remoteCandidates} candidates`
    out.note(candidateEvidence("remote", this.generation, candidate))
    for (const base of this.#bases) this.#pair(base, candidate, out)
    this.#start(now)
    return undefined
  }

  #rename(known: Candidate, told: Candidate): void {
    for (const pair of this.list.pairs) if (pair.remote === known) pair.rename(told)
    this.list.sort(this.#shared.role)
  }

  addBase(base: Base, now: number, out: IceOut): void {
    this.#bases.push(base)
    for (const candidate of this.remotes.all) this.#pair(base, candidate, out)
    this.#start(now)
  }

  /** The base is no more, and so is what stood on it. */
  removeBase(base: Base, now: number, out: IceOut): void {
    const at = this.#bases.indexOf(base)
    if (at < 0) return
    this.#bases.splice(at, 1)
    this.#reflexive = this.#reflexive.filter(known => known.base !== base)
    this.early.forget(base, out.paths)
    for (const pair of this.list.pairs.filter(pair => pair.base === base)) this.#drop(pair, out)
    this.choose(now, out)
  }

  /** Lets go of every path. */
  close(out: IceOut): void {
    for (const pair of this.list.pairs.slice()) this.#drop(pair, out)
    this.#bases.length = 0
    this.early.take(() => undefined, out.paths)
  }

  /** What a pair waited for is there. */
  connected(base: Base, remote: Address, path: Path, out: IceOut): void {
    const pair = this.list.find(base, remote)
    if (pair === undefined || pair.path !== NO_PATH) return
    out.paths.hold(path)
    this.list.connect(pair, path)
  }

  /** There is no connection, and will be none. */
  unconnected(base: Base, remote: Address, why: string, out: IceOut): void {
    const pair = this.list.find(base, remote)
    if (pair !== undefined) this.#fail(pair, why, out)
  }

  /** A stream of a pair ended. */
  lost(path: Path, now: number, out: IceOut): void {
    const pair = this.list.at(path)
    if (pair === undefined) return
    this.#drop(pair, out)
    this.choose(now, out)
  }

  /** A Binding request with our ufrag (RFC 8445 §7.3). */
  request(arrival: Arrival, now: number, out: IceOut): void {
    const { base, source, message } = arrival
    const { responder } = this.#shared
    const key = this.#localKey
    if (message.integrityAt < 0 || !message.has(Attribute.username))
      return responder.reject(arrival, 400, "no credentials", now, out)
    if (!hasValidIntegrity(message, key)) return responder.reject(arrival, 401, "another password", now, out)
    if (message.hasUnknownAttributes(UNDERSTOOD))
      return responder.reject(arrival, 420, "unknown attributes", now, out, key)
    if (this.#losesConflict(message, now, out))
      return responder.reject(arrival, 487, "role conflict", now, out, key)
    responder.accept(arrival, key, now, out)
    const check: HeardCheck = {
      base,
      source: { ip: source.ip.slice(), port: source.port },
      transport: base.candidate.transport,
      priority: message.uint32(Attribute.priority),
      nomination: nominationOf(message),
    }
    if (this.remote !== undefined) this.#learn(check, now, out)
    else this.early.keep(check, arrival.path, out.paths)
  }

  /** Whether the message answers one of our checks. */
  response({ base, source, path, message }: Arrival, now: number, out: IceOut): boolean {
    if (this.#checker === undefined) return false
    for (const pair of this.list.pairs) {
      const check = pair.answeredBy(message)
      if (check === undefined) continue
      // Whoever guesses an id still has no password: it is as if nothing had come (RFC 8489 §9.1.4).
      if (!hasValidIntegrity(message, this.#checker.key)) {
        const code = message.integrityAt < 0 ? (readErrorCode(message)?.code ?? 0) : 0
        if (code > 0) this.#noteRefusal(pair, code, out)
        return true
      }
      const isSymmetric =
        pair.base === base &&
        equalAddress(source, pair.remote.address) &&
        (pair.path === path || pair.path === NO_PATH)
      // A role conflict is repaired wherever its sign comes from (RFC 8445 §7.2.5.1): the check may do better then.
      if (message.class === MessageClass.error) this.#refused(pair, check, message, out)
      else if (isSymmetric) this.#answered(pair, check, message, now, out)
      else this.#fail(pair, "the answer came from elsewhere (RFC 8445 §7.2.5.2.1)", out)
      this.choose(now, out)
      return true
    }
    return false
  }

  /** Sends what may be sent now: one new transaction (RFC 8445 §6.1.4.2). */
  step(now: number, out: IceOut): void {
    if (this.#checker === undefined) return
    const { nominee, isNominationDue, nominations } = this.#selection
    if (isNominationDue && nominee !== undefined) {
      this.#selection.isNominationDue = false
      return this.#checker.begin(nominee, nominations, now, out)
    }
    const pair = this.list.next()
    if (pair === undefined) return
    if (pair.state !== "succeeded") this.#setState(pair, "in-progress", "checking", out)
    this.#checker.begin(pair, 0, now, out)
  }

  get hasStep(): boolean {
    if (this.#checker === undefined || this.#checker.isSpent) return false
    return this.#selection.isNominationDue || this.list.hasNext
  }

  /** What is due of checks that were begun. */
  tick(now: number, out: IceOut): void {
    for (const pair of this.list.pairs) this.#tickPair(pair, now, out)
    this.choose(now, out)
  }

  #tickPair(pair: CandidatePair, now: number, out: IceOut): void {
    if (this.#consent.isExpired(pair, now)) {
      out.note({ layer: "ice", kind: "consent", pair: pair.id, state: "expired" })
      return this.#fail(pair, "consent expired", out)
    }
    if (this.#checker === undefined) return
    const { check } = pair
    if (check !== undefined && now >= check.nextAt && !this.#checker.again(pair, check, now, out)) {
      if (pair.state !== "succeeded") this.#fail(pair, "no answer", out)
    }
    if (pair.state === "succeeded" && now >= pair.askAt) this.#ask(this.#checker, pair, now, out)
  }

  /** The nominated pair is nominated again: where its other end moved, it must be told anew. */
  #ask(checker: Checker, pair: CandidatePair, now: number, out: IceOut): void {
    const { nominee, nominations } = this.#selection
    if (this.#consent.asked(pair, now))
      out.note({ layer: "ice", kind: "consent", pair: pair.id, state: "doubtful" })
    if (pair === this.selected) this.#consent.compare(this.list.pairs, pair, now)
    checker.ask(pair, pair === nominee ? nominations : 0, now, out)
  }

  get nextTick(): number {
    let next = Infinity
    for (const pair of this.list.pairs) {
      if (pair.check !== undefined) next = Math.min(next, pair.check.nextAt)
      if (pair.state !== "succeeded") continue
      next = Math.min(next, this.#consent.expiryOf(pair))
      // Whoever only answers asks for nothing.
      if (this.#checker !== undefined) next = Math.min(next, pair.askAt)
    }
    return next
  }

  /** Looks which pair data should go over now. */
  choose(now: number, out: IceOut): void {
    const { selected: before } = this
    const hasChanged = this.#selection.choose(this.list.pairs, this.#shared.role, now)
    const { selected } = this
    if (this.isWorking(now)) this.workedAt = now
    if (!hasChanged || selected === undefined) return
    const why =
      this.#shared.role === "controlled" && selected.nomination >= 0 ? "nominated" : "the best that works"
    out.note({
      layer: "ice",
      kind: "selected",
      pair: selected.id,
      why: before === undefined ? "the first that works" : why,
    })
  }

  /** There is something to patiently wait for from now on (RFC 8863 §4). */
  #start(now: number): void {
    if (this.startedAt === Infinity && this.remote !== undefined) this.startedAt = now
  }

  /** RFC 8445 §7.3.1.3, §7.3.1.4, §7.3.1.5. */
  #learn(check: HeardCheck, now: number, out: IceOut): void {
    const remote = this.#remoteAt(check, now, out)
    const pair = remote === undefined ? undefined : this.#pair(check.base, remote, out)
    if (pair === undefined) return
    const isNews = pair.heardAt === -Infinity || check.nomination > pair.nomination
    pair.heardAt = now
    if (isNews)
      out.note({ layer: "ice", kind: "check-heard", pair: pair.id, nominating: check.nomination >= 0 })
    if (check.nomination >= 0 && this.#shared.role === "controlled") {
      pair.nomination = Math.max(pair.nomination, check.nomination)
      if (check.nomination === pair.nomination) pair.nominatedAt = now
    }
    if (this.#shared.isLite) this.#trust(pair, now, out)
    else if (pair.state !== "succeeded") this.list.trigger(pair)
    // It may have moved: their check came, so ours may get there again.
    else if (pair.unansweredSince !== Infinity) pair.askAt = Math.min(pair.askAt, now)
    this.#start(now)
    this.choose(now, out)
  }

  /** RFC 8445 §7.3.2: whoever only answers takes a check for consent, and uses what is nominated. */
  #trust(pair: CandidatePair, now: number, out: IceOut): void {
    pair.consentedAt = now
    if (pair.state !== "succeeded") this.#setState(pair, "succeeded", "checked by the other end", out)
  }

  #remoteAt(check: HeardCheck, now: number, out: IceOut): Candidate | undefined {
    const { transport, source: address, priority } = check
    const known = this.remotes.at(transport, address)
    if (known !== undefined) return known
    if (this.remotes.isFullOfLearnt && !this.#makeRoom(now, out)) return undefined
    const candidate: Candidate = {
      // RFC 8445 §7.3.1.3: unlike any other.
      foundation: randomText(this.#shared.crypto, 16),
      component: COMPONENT,
      transport,
      priority: Math.max(priority, 1),
      address,
      type: "prflx",
      ...(transport === "tcp" ? { tcpType: "active" as const } : {}),
    }
    out.note(candidateEvidence("remote", this.generation, candidate))
    this.remotes.learn(candidate, now)
    return candidate
  }

  #makeRoom(now: number, out: IceOut): boolean {
    const { pairs } = this.list
    const isOfUse = (candidate: Candidate) =>
      pairs.some(({ remote, state }) => remote === candidate && state === "succeeded")
    const gone = this.remotes.makeRoom(isOfUse, now)
    if (gone === undefined) return false
    for (const pair of pairs.filter(({ remote }) => remote === gone)) this.#drop(pair, out)
    return true
  }

  #pair(base: Base, remote: Candidate, out: IceOut): CandidatePair | undefined {
    const known = this.list.find(base, remote.address)
    if (known !== undefined || !base.reaches(remote)) return known
    const path = base.open(remote.address, out)
    if (path !== NO_PATH) out.paths.hold(path)
    const { rto } = this.#shared
    const pair = new CandidatePair(this.#shared.nextPairId++, base, path, remote, rto)
    const { id } = pair
    out.note({
      layer: "ice",
      kind: "paired",
      generation: this.generation,
      pair: id,
      local: describeCandidate(pair.local),
      remote: describeCandidate(remote),
    })
    const outdone = this.list.add(pair, this.#shared.role)
    if (outdone !== undefined) this.#drop(outdone, out)
    return outdone === pair ? undefined : pair
  }

  #drop(pair: CandidatePair, out: IceOut): void {
    this.list.remove(pair)
    if (pair.path !== NO_PATH) out.paths.release(pair.path)
    this.#selection.forget(pair)
  }

  /** RFC 8445 §7.2.5.3. */
  #answered(pair: CandidatePair, check: Check, message: StunMessage, now: number, out: IceOut): void {
    const index = message.indexOf(Attribute.xorMappedAddress)
    if (index < 0 || !readXorAddress(message, index, this.#mapped)) return
    const isFirst = pair.state !== "succeeded"
    const roundTrip = this.#checker!.answered(pair, check, now)
    this.#nameLocal(pair, this.#localAt(pair, this.#mapped))
    pair.heardAt = now
    if (this.#consent.granted(pair, now))
      out.note({ layer: "ice", kind: "consent", pair: pair.id, state: "granted" })
    if (isFirst) {
      const mapped = formatAddress(pair.local.address)
      const certain = roundTrip === undefined ? {} : { roundTrip }
      out.note({ layer: "ice", kind: "check-answered", pair: pair.id, mapped, ...certain })
      this.#setState(pair, "succeeded", "answered", out)
      this.list.unfreeze(pair.foundation)
    }
    if (check.isNominating && check.role === "controlling" && pair.nomination !== check.nomination) {
      pair.nomination = check.nomination
      out.note({ layer: "ice", kind: "nominated", pair: pair.id, nomination: check.nomination })
    }
  }

  /** RFC 8445 §7.2.5.3.1, §7.2.5.3.2. */
  #localAt({ base, local }: CandidatePair, mapped: Address): Candidate {
    const { candidate } = base
    if (equalAddress(local.address, mapped)) return local
    if (equalAddress(candidate.address, mapped)) return candidate
    const known = this.#reflexive.find(
      each => each.base === base && equalAddress(each.candidate.address, mapped),
    )
    if (known !== undefined) return known.candidate
    return {
      foundation: candidate.foundation,
      component: COMPONENT,
      transport: candidate.transport,
      priority: reflexivePriority(base),
      address: { ip: mapped.ip.slice(), port: mapped.port },
      type: "prflx",
      related: candidate.address,
      ...(candidate.tcpType === undefined ? {} : { tcpType: candidate.tcpType }),
    }
  }

  #nameLocal(pair: CandidatePair, local: Candidate): void {
    if (pair.local === local) return
    pair.local = local
    this.list.sort(this.#shared.role)
  }

  /** A server told where it sees a base of ours; pairs are of the base, and show this name once it is confirmed. */
  addReflexive(base: Base, candidate: Candidate): void {
    this.#reflexive.push({ base, candidate })
    for (const pair of this.list.pairs)
      if (
        pair.base === base &&
        pair.local.type === "prflx" &&
        equalAddress(pair.local.address, candidate.address)
      )
        this.#nameLocal(pair, candidate)
  }

  /** RFC 8445 §7.2.5.1, §7.2.5.2.4. */
  #refused(pair: CandidatePair, check: Check, message: StunMessage, out: IceOut): void {
    const code = readErrorCode(message)?.code ?? 0
    pair.settle(check)
    this.#noteRefusal(pair, code, out)
    if (code === 487) {
      const other = check.role === "controlling" ? "controlled" : "controlling"
      if (this.#shared.role === check.role) this.#turnInto(other, "the other end has the same role", out)
      if (pair.state !== "succeeded") this.list.trigger(pair)
    } else this.#fail(pair, `refused with ${code}`, out)
  }

  #noteRefusal(pair: CandidatePair, code: number, out: IceOut): void {
    if (pair.refusal === code) return
    pair.refusal = code
    out.note({ layer: "ice", kind: "check-refused", pair: pair.id, code })
  }

  /** RFC 8445 §7.3.1.1: true when they must change. */
  #losesConflict(message: StunMessage, now: number, out: IceOut): boolean {
    const claimed = claimedRole(message)
    if (claimed === undefined || claimed.role !== this.#shared.role) return false
    const isOursHigher = isAtLeast(this.#shared.tieBreaker, claimed.tieBreaker)
    // Whoever only answers stays controlled.
    if (this.#shared.isLite || (this.#shared.role === "controlling") === isOursHigher) return true
    this.#turnInto(this.#shared.role === "controlling" ? "controlled" : "controlling", "role conflict", out)
    this.choose(now, out)
    return false
  }

  #turnInto(role: IceRole, why: string, out: IceOut): void {
    if (this.#shared.role === role) return
    this.#shared.role = role
    this.#selection.renounce()
    // What one of us nominated until now was not that one's to nominate.
    for (const pair of this.list.pairs) pair.nomination = -1
    this.list.sort(role)
    out.note({ layer: "ice", kind: "role", role, why })
  }

  #fail(pair: CandidatePair, why: string, out: IceOut): void {
    pair.check = undefined
    pair.askAt = Infinity
    if (pair.state !== "failed") this.#setState(pair, "failed", why, out)
    this.#selection.forget(pair)
  }

  #setState(pair: CandidatePair, state: CandidatePair["state"], why: string, out: IceOut): void {
    if (pair.state === state) return
    pair.state = state
    out.note({ layer: "ice", kind: "pair-state", pair: pair.id, state, why })
  }
}
