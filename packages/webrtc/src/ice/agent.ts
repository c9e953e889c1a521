import type { Address } from "../bytes/index.ts"
import type { Datagram, Machine, Path, Reply, Socket } from "../contract/index.ts"
import { demultiplex, hasValidFingerprint, MessageClass, Method, StunMessage } from "../stun/index.ts"
import type { Base } from "./base.ts"
import { type Candidate, isOfOneHost } from "./candidate.ts"
import { formatCandidate, parseCandidate } from "./candidate-attribute.ts"
import { candidateEvidence } from "./candidate-evidence.ts"
import { type Arrival, CheckResponder } from "./check-responder.ts"
import { localUfragOf, TIE_BREAKER_LENGTH } from "./connectivity-check.ts"
import {
  checkCredentials,
  type IceCredentials,
  makeCredentials,
  type RemoteDescription,
  type Ufrags,
} from "./credentials.ts"
import type { IceEvent, IceOut, IceState } from "./events.ts"
import { Gatherer } from "./gatherer.ts"
import {
  checkOptions,
  type IceAgentOptions,
  type IceLimits,
  type IceRole,
  withDefaultLimits,
} from "./options.ts"
import { isProvenSource } from "./proven-source.ts"
import { RelayedBase } from "./relayed-base.ts"
import { Session, type Shared } from "./session.ts"
import { StreamBase } from "./stream-base.ts"

/** How long the generation before is still answered once the new one works, in ms: the other end may be later. */
const FAREWELL = 5_000
/** Between two looks for where the network sees us now, while nothing works, in ms. */
const REFRESH_INTERVAL = 5_000

/**
 * An ICE agent (RFC 8445) of one data stream with one component. It gathers and tells candidates, checks pairs, sends
 * data over the best that works from the first moment on, and goes on looking: when the network changes, when a
 * better path comes up, when the one in use falls silent.
 */
export class IceAgent implements Machine<IceEvent> {
  readonly #options: IceAgentOptions
  readonly #limits: IceLimits
  readonly #shared: Shared
  readonly #gatherer: Gatherer
  readonly #message = new StunMessage()
  readonly #ufrags: Ufrags | undefined
  #session: Session
  /** The generation before, for as long as it may be needed. */
  #previous: Session | undefined
  #previousUntil = Infinity
  #state: IceState = "new"
  /** What was last told to be selected. */
  #told: { readonly local: Candidate; readonly remote: Candidate } | undefined
  /** Whether the pair that data last went over was. */
  #isDirect = false
  #hasBegun = false
  #hasToldEnd = false
  #hasSaidStillTrying = false
  #hasFailed = false
  /** Whether any pair did, of any generation. */
  #hasWorked = false
  #nextStepAt = 0
  #isGatherersTurn = true
  #refreshAt = Infinity
  #nextTick = Infinity

  /**
   * Throws a TypeError or RangeError that names the option that makes no sense. `ufrags` is whoever tells agents on one
   * socket apart by them.
   */
  constructor(options: IceAgentOptions, ufrags?: Ufrags) {
    checkOptions(options)
    this.#ufrags = ufrags
    const { crypto, role, rto, lite: isLite = false } = options
    this.#options = options
    const limits = withDefaultLimits(options.limits)
    this.#limits = limits
    const tieBreaker = new Uint8Array(TIE_BREAKER_LENGTH)
    crypto.random(tieBreaker)
    const responder = new CheckResponder(limits.remoteCandidates)
    this.#shared = { crypto, limits, rto, isLite, tieBreaker, responder, role, nextPairId: 1 }
    this.#session = new Session(0, makeCredentials(crypto), this.#shared)
    ufrags?.add(this.local.ufrag)
    this.#gatherer = new Gatherer(options, this.#limits, {
      added: (base, now, out) => this.#added(base, now, out),
      isInUse: base => this.#sessions.some(({ selected }) => selected?.base === base),
      isPaired: path => this.#sessions.some(({ list }) => list.at(path) !== undefined),
      removed: (base, now, out) => this.#removed(base, now, out),
      reflexive: (base, candidate, server, _now, out) => this.#reflexive(base, candidate, server, out),
      connected: (base, remote, path, out) => {
        for (const session of this.#sessions) session.connected(base, remote, path, out)
      },
      unconnected: (base, remote, why, _now, out) => {
        for (const session of this.#sessions) session.unconnected(base, remote, why, out)
      },
      data: (base, d, peer, now, out) => this.#arrived(base, peer, d, now, out),
    })
  }

  /** Ours, of this generation: to be told to the other agent before any candidate. */
  get local(): IceCredentials {
    return this.#session.local
  }

  get role(): IceRole {
    return this.#shared.role
  }

  get state(): IceState {
    return this.#state
  }

  /** What data goes over. */
  get selected(): { readonly local: Candidate; readonly remote: Candidate } | undefined {
    const pair = this.#sending?.selected
    return pair === undefined ? undefined : { local: pair.local, remote: pair.remote }
  }

  /** Of what data goes over, in ms: smoothed, or what it is at most; `undefined` where nothing is known. */
  get roundTrip(): number | undefined {
    return this.#sending?.selected?.roundTrip.known
  }

  /**
   * These are the host's addresses, which candidates are gathered on. To be given again whenever they changed, at any
   * time: what is gone is let go, what is new is gathered on and told.
   */
  gather(ips: readonly Uint8Array[], now: number, out: IceOut): void {
    this.#checkOpen("gather")
    this.#hasBegun = true
    this.#gatherer.setAddresses(ips, now, out)
    this.#settle(now, out)
  }

  /** As `gather`, on a socket that others use too: `local` is where the other agent reaches it. */
  gatherOn(socket: Socket, local: Address, now: number, out: IceOut): void {
    this.#checkOpen("gatherOn")
    this.#hasBegun = true
    this.#gatherer.share(socket, local, now, out)
    this.#settle(now, out)
  }

  /**
   * What the other agent's description says. Other credentials than before mean that it restarted: so do we, unless we did
   * first. Throws a TypeError for what RFC 8839 does not allow.
   */
  setRemote(remote: RemoteDescription, now: number, out: IceOut): void {
    this.#checkOpen("setRemote")
    checkCredentials(remote)
    const known = this.#session.remote
    if (known !== undefined) {
      if (known.ufrag === remote.ufrag && known.pwd === remote.pwd) return
      this.#renew(now, out)
    }
    this.#session.setRemote(remote, now, out)
    this.#settle(now, out)
  }

  /**
   * A candidate of the other agent, as RFC 8839 §5.1 writes it. Returns why it is not taken, for whoever wants to know: to
   * ignore it is right.
   */
  addRemoteCandidate(text: string, now: number, out: IceOut): string | undefined {
    this.#checkOpen("addRemoteCandidate")
    const candidate = parseCandidate(text)
    const why = typeof candidate === "string" ? candidate : this.#take(candidate, now, out)
    if (why !== undefined)
      out.note({ layer: "ice", kind: "candidate-ignored", generation: this.#session.generation, why })
    this.#settle(now, out)
    return why
  }

  /** There will be no more of this generation (RFC 8838 §14). One that comes all the same is taken: networks change. */
  endOfRemoteCandidates(_now: number, out: IceOut): void {
    const { generation, remotes } = this.#session
    out.note({ layer: "ice", kind: "remote-gathered", generation, candidates: remotes.all.length })
  }

  /** RFC 8445 §9: new credentials. Data goes on over the old pair until the new generation has one. */
  restart(now: number, out: IceOut): void {
    this.#checkOpen("restart")
    this.#renew(now, out)
    this.#settle(now, out)
  }

  /** Room for `max` bytes of data in `out.bytes`; -1 while there is no pair to send them over. */
  reserve(max: number, now: number, out: IceOut): number {
    const pair = this.#sending?.selected
    if (pair === undefined) return -1
    return pair.base.reserve(pair.remote.address, pair.path, max, now, out)
  }

  /** Sends the first `length` bytes of the last `reserve`. */
  commit(length: number, out: IceOut): void {
    this.#sending?.selected?.base.commit(length, out)
  }

  close(now: number, out: IceOut): void {
    if (this.#state === "closed") return
    this.#end(this.#session, out)
    if (this.#previous !== undefined) this.#end(this.#previous, out)
    this.#previous = undefined
    this.#gatherer.close(now, out)
    this.#enter("closed", "closed", out)
    this.#nextTick = Infinity
  }

  receive(d: Datagram, now: number, out: IceOut): void {
    if (this.#state === "closed" || d.length === 0) return
    const { paths } = out
    const kind = demultiplex(d.bytes[d.offset]!)
    if (kind === "stun") {
      const message = this.#message
      if (message.parse(d.bytes, d.offset, d.length) === undefined && this.#isFromServer(d, now, out)) return
    } else if (kind === "channel-data" && this.#gatherer.receive(d, false, now, out)) return
    const base = this.#gatherer.baseAt(d.path, paths.socket(d.path))
    if (base === undefined || this.#options.policy === "relay") return
    if (base instanceof StreamBase) base.unframe(d)
    this.#arrived(base, paths.remote(d.path), d, now, out)
  }

  /** Whether a STUN message was for what asks servers. */
  #isFromServer(d: Datagram, now: number, out: IceOut): boolean {
    const { method } = this.#message
    if (method === Method.binding && this.#message.class === MessageClass.request) return false
    if (!this.#gatherer.receive(d, method === Method.binding, now, out)) return false
    this.#settle(now, out)
    return true
  }

  reply(answer: Reply, now: number, out: IceOut): void {
    this.#gatherer.reply(answer, now, out)
    this.#settle(now, out)
  }

  tick(now: number, out: IceOut): void {
    if (this.#state === "closed") return
    if (now >= this.#gatherer.nextTick) this.#gatherer.tick(now, out)
    this.#session.tick(now, out)
    this.#previous?.tick(now, out)
    if (now >= this.#refreshAt) {
      this.#refreshAt = now + REFRESH_INTERVAL
      this.#gatherer.refresh(this.#hasWorked || this.#session.generation > 0)
    }
    this.#settle(now, out)
  }

  closed(path: Path, now: number, out: IceOut): void {
    this.#gatherer.closed(path, now, out)
    this.#session.lost(path, now, out)
    this.#previous?.lost(path, now, out)
    this.#settle(now, out)
  }

  get nextTick(): number {
    return this.#nextTick
  }

  get #sessions(): readonly Session[] {
    return this.#previous === undefined ? [this.#session] : [this.#session, this.#previous]
  }

  /** The generation that data goes through. */
  get #sending(): Session | undefined {
    return this.#session.selected === undefined && this.#previous?.selected !== undefined
      ? this.#previous
      : this.#session
  }

  /** What a base heard from `source`. */
  #arrived(base: Base, source: Address, d: Datagram, now: number, out: IceOut): void {
    if (d.length === 0) return
    const message = this.#message
    const isStun =
      demultiplex(d.bytes[d.offset]!) === "stun" && message.parse(d.bytes, d.offset, d.length) === undefined
    if (!isStun) {
      if (this.#isKnown(base, source, d.path)) this.#options.onData(d, now, out)
      return
    }
    // RFC 8445 §7.1: every check has one.
    if (message.method !== Method.binding || !hasValidFingerprint(message)) return
    const arrival = { base, source, path: d.path, message }
    if (message.class === MessageClass.request) this.#request(arrival, now, out)
    else if (message.class !== MessageClass.indication) this.#response(arrival, now, out)
    this.#settle(now, out)
  }

  #response(arrival: Arrival, now: number, out: IceOut): void {
    if (!this.#session.response(arrival, now, out)) this.#previous?.response(arrival, now, out)
  }

  #request(arrival: Arrival, now: number, out: IceOut): void {
    const ufrag = localUfragOf(arrival.message)
    const session = this.#sessions.find(({ local }) => local.ufrag === ufrag)
    if (session !== undefined) return session.request(arrival, now, out)
    const { responder } = this.#shared
    if (ufrag === undefined) responder.reject(arrival, 400, "no credentials", now, out)
    else responder.reject(arrival, 401, "the credentials of another session", now, out)
  }

  #isKnown(base: Base, source: Address, path: Path): boolean {
    if (isProvenSource(this.#session, base, source, path)) return true
    return this.#previous !== undefined && isProvenSource(this.#previous, base, source, path)
  }

  #take(candidate: Candidate, now: number, out: IceOut): string | undefined {
    const { remote } = this.#session
    const ufrag = candidate.ufrag ?? remote?.ufrag
    // RFC 8838 §4.1: of another generation than the one we know.
    if (remote !== undefined && ufrag !== remote.ufrag) return "of another generation"
    if (!isOfOneHost(candidate)) return "of no host"
    return this.#session.addRemote(candidate, now, out)
  }

  #renew(now: number, out: IceOut): void {
    const { generation } = this.#session
    // A generation without a pair has nothing to keep: the one before is still needed.
    const isKept = this.#session.hasValid
    const ended = isKept ? this.#previous : this.#session
    if (ended !== undefined) this.#end(ended, out)
    if (isKept) this.#previous = this.#session
    this.#previousUntil = Infinity
    this.#session = new Session(generation + 1, makeCredentials(this.#options.crypto), this.#shared)
    this.#ufrags?.add(this.local.ufrag)
    out.note({ layer: "ice", kind: "restarted", generation: generation + 1 })
    this.#hasToldEnd = false
    this.#hasSaidStillTrying = false
    this.#hasFailed = false
    for (const { base, candidate } of this.#gatherer.candidates) {
      if (base.candidate === candidate) this.#added(base, now, out)
      else this.#reflexive(base, candidate, undefined, out)
    }
    this.#gatherer.refresh(false)
    this.#refreshAt = Infinity
  }

  #end(session: Session, out: IceOut): void {
    session.close(out)
    this.#ufrags?.delete(session.local.ufrag)
  }

  #added(base: Base, now: number, out: IceOut): void {
    const isRelay = base instanceof RelayedBase
    if (this.#options.policy === "relay" && !isRelay) return
    this.#session.addBase(base, now, out)
    this.#tell(base.candidate, isRelay ? base.server.server : undefined, out)
  }

  #removed(base: Base, now: number, out: IceOut): void {
    this.#session.removeBase(base, now, out)
    this.#previous?.removeBase(base, now, out)
  }

  #reflexive(base: Base, candidate: Candidate, server: Address | undefined, out: IceOut): void {
    this.#session.addReflexive(base, candidate)
    this.#tell(candidate, server, out)
  }

  #tell(candidate: Candidate, server: Address | undefined, out: IceOut): void {
    const { ufrag } = this.local
    out.note(candidateEvidence("local", this.#session.generation, candidate, server))
    out.tell({ type: "candidate", candidate, text: formatCandidate(candidate, ufrag), ufrag })
  }

  /** After each turn: begins what is due, tells what changed, and looks when there will be more. */
  #settle(now: number, out: IceOut): void {
    if (this.#state === "closed") return
    this.#permit(now, out)
    this.#step(now, out)
    this.#leavePrevious(now, out)
    this.#tellSelected(now, out)
    this.#tellEnd(out)
    const [state, why] = this.#judge(now)
    this.#enter(state, why, out)
    this.#gatherer.keepAlive(state === "new" || state === "checking", now)
    this.#lookAround(state, now)
    this.#sayStillTrying(now, out)
    this.#nextTick = this.#computeNextTick(now)
  }

  /** RFC 8445 §7.2.1: every address that a relay of ours might hear from. */
  #permit(now: number, out: IceOut): void {
    for (const relay of this.#gatherer.relays)
      for (const { address, transport } of this.#session.remotes.all)
        if (transport === "udp") relay.permit(address.ip, now, out)
  }

  /** RFC 8445 §14.2: at most one new transaction each Ta, be it of gathering or a check; they take turns. */
  #step(now: number, out: IceOut): void {
    if (now < this.#nextStepAt) return
    const isGatherersTurn = this.#gatherer.hasStep && (this.#isGatherersTurn || !this.#session.hasStep)
    if (!isGatherersTurn && !this.#session.hasStep) return
    if (isGatherersTurn) this.#gatherer.step(now, out)
    else this.#session.step(now, out)
    this.#isGatherersTurn = !isGatherersTurn
    this.#nextStepAt = now + this.#limits.pacing
  }

  #leavePrevious(now: number, out: IceOut): void {
    const previous = this.#previous
    if (previous === undefined) return
    if (this.#session.selected !== undefined && this.#previousUntil === Infinity)
      this.#previousUntil = now + FAREWELL
    if (now < this.#previousUntil && previous.hasValid) return
    this.#end(previous, out)
    this.#previous = undefined
  }

  #tellSelected(now: number, out: IceOut): void {
    const pair = this.#sending?.selected
    if (pair === undefined) {
      this.#told = undefined
      return
    }
    if (pair.base instanceof RelayedBase) pair.base.bindChannel(pair.remote.address, now, out)
    if (this.#told?.local === pair.local && this.#told.remote === pair.remote) return
    // What was direct fell silent: where the network sees us now there may be another direct path.
    if (pair.isRelayed && this.#isDirect) this.#gatherer.refresh(false)
    this.#isDirect = !pair.isRelayed
    this.#told = { local: pair.local, remote: pair.remote }
    out.tell({ type: "selected", ...this.#told })
  }

  #tellEnd(out: IceOut): void {
    if (this.#hasToldEnd || !this.#hasBegun || this.#gatherer.isGathering) return
    this.#hasToldEnd = true
    const { generation } = this.#session
    out.note({ layer: "ice", kind: "gathered", generation, candidates: this.#gatherer.candidates.length })
    out.tell({ type: "end-of-candidates", ufrag: this.local.ufrag })
  }

  #judge(now: number): [IceState, string] {
    if (this.#hasFailed) return ["failed", "every pair failed"]
    const sending = this.#sending
    if (sending?.selected !== undefined)
      return sending.isWorking(now) ? ["connected", "a pair works"] : ["disconnected", "no answers"]
    const session = this.#session
    if (session.startedAt === Infinity) return ["new", "nothing to check yet"]
    const { patience, consent } = this.#limits
    const isPatient = now < session.startedAt + patience
    const isGathering = !this.#hasToldEnd && this.#gatherer.isGathering
    const isHopeful = session.isUndecided || isGathering || now < session.workedAt + consent
    if (!isPatient && !isHopeful) return ["failed", "every pair failed"]
    return session.workedAt === -Infinity
      ? ["checking", "no pair works yet"]
      : ["disconnected", "no pair works any more"]
  }

  #enter(state: IceState, why: string, out: IceOut): void {
    if (state === this.#state) return
    this.#state = state
    this.#hasFailed = state === "failed"
    out.note({ layer: "ice", kind: "state", state, why })
    out.tell({ type: "state", state })
  }

  /** Where nothing works the servers are asked again, and again: at once where something did. */
  #lookAround(state: IceState, now: number): void {
    if (state === "connected") this.#hasWorked = true
    const hasServers = (this.#options.servers?.length ?? 0) > 0
    if (!hasServers || (state !== "disconnected" && state !== "checking")) this.#refreshAt = Infinity
    else if (this.#refreshAt === Infinity)
      this.#refreshAt = state === "disconnected" ? now : now + REFRESH_INTERVAL
  }

  /** RFC 8863 asks for patience: whoever waits is told what for. */
  #sayStillTrying(now: number, out: IceOut): void {
    const since = now - this.#session.startedAt
    if (this.#hasSaidStillTrying || this.#state !== "checking" || since < this.#limits.stillTrying) return
    this.#hasSaidStillTrying = true
    out.note({ layer: "ice", kind: "still-trying", generation: this.#session.generation, since })
    out.tell({ type: "still-trying", since })
  }

  #computeNextTick(now: number): number {
    let next = Math.min(this.#gatherer.nextTick, this.#session.nextTick, this.#refreshAt)
    if (this.#previous !== undefined) next = Math.min(next, this.#previous.nextTick, this.#previousUntil)
    if (this.#gatherer.hasStep || this.#session.hasStep) next = Math.min(next, this.#nextStepAt)
    if (this.#state === "checking" || this.#state === "disconnected") {
      const { patience, stillTrying, consent } = this.#limits
      const { startedAt, workedAt } = this.#session
      for (const at of [startedAt + stillTrying, startedAt + patience, workedAt + consent])
        if (at > now) next = Math.min(next, at)
    }
    return next
  }

  #checkOpen(what: string): void {
    if (this.#state === "closed") throw new Error(`${what}: this agent is closed`)
  }
}
