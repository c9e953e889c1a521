import type { Address } from "../bytes/index.ts"
import type { Datagram, Machine, Path, Reply, Socket } from "../contract/index.ts"
import {
  DtlsConnection,
  type DtlsEvent,
  type DtlsState,
  type Fingerprint,
  fingerprintOf,
} from "../dtls/index.ts"
import { IceAgent, type IceCredentials, type IceState, type Ufrags } from "../ice/index.ts"
import { demultiplex, isRtcp } from "./demultiplex.ts"
import { EarlyDatagrams } from "./early-datagrams.ts"
import type { PeerEvent, PeerOut, PeerState } from "./events.ts"
import { AgentOut, DtlsOut } from "./inner-outs.ts"
import { Media } from "./media.ts"
import { type PeerOptions, type RemotePeer, withDefaultLimits } from "./options.ts"
import { type OwnSetup, ownSetup } from "./setup.ts"

/** Of datagrams, not of bytes. */
export interface PeerCounters {
  /** DTLS that came too early, and was too much to keep. */
  readonly earlyDropped: number
  /** Media that came before its keys. */
  readonly mediaEarly: number
  /** Media that was not authentic, or not new. */
  readonly mediaRejected: number
}

/**
 * One other end (RFC 8825): ICE finds the path, DTLS proves over it who is there, and data and media go through what both
 * agreed on. Nothing is let out, in or through, before the other end's certificate is the one that its description says.
 */
export class Peer implements Machine<PeerEvent> {
  readonly #options: PeerOptions
  readonly #agent: IceAgent
  readonly #agentOut: AgentOut
  readonly #dtlsOut: DtlsOut
  readonly #early: EarlyDatagrams
  readonly #counters = { earlyDropped: 0, mediaEarly: 0, mediaRejected: 0 }
  #remote: RemotePeer | undefined
  #dtls: DtlsConnection | undefined
  #dtlsState: DtlsState = "new"
  #media: Media | undefined
  #state: PeerState = "new"
  /** Whether anything was told since it was last looked what follows. */
  #hasNews = false
  /** Of the last packet of media that there was made room for. */
  #reservedAt = -1

  /**
   * Throws a TypeError or RangeError that names the option that makes no sense. `ufrags` is whoever tells peers on one
   * socket apart by them.
   */
  constructor(options: PeerOptions, ufrags?: Ufrags) {
    this.#options = options
    this.#early = new EarlyDatagrams(withDefaultLimits(options.limits))
    this.#agentOut = new AgentOut(() => {
      this.#hasNews = true
    })
    const onData = (d: Datagram, now: number) => this.#arrived(d, now, this.#agentOut.lender)
    this.#agent = new IceAgent({ ...options.ice, crypto: options.crypto, onData }, ufrags)
    this.#dtlsOut = new DtlsOut(this.#agent, this.#agentOut, event => this.#hear(event))
  }

  get state(): PeerState {
    return this.#state
  }

  get iceState(): IceState {
    return this.#agent.state
  }

  /** Ours, of this generation: to be told to the other end before any candidate. */
  get ice(): IceCredentials {
    return this.#agent.local
  }

  /** Of our certificate, to be told to the other end. */
  get fingerprint(): Fingerprint {
    const { crypto, certificate } = this.#options
    return fingerprintOf(crypto, certificate.der, "sha-256")
  }

  /** To be told to the other end: what we are, once its description is known; before, that it may choose. */
  get setup(): OwnSetup | "actpass" {
    return this.#remote === undefined
      ? "actpass"
      : ownSetup(this.#remote.setup, this.#options.setup ?? "active")
  }

  /** Where there is a handshake: for what was negotiated, and for keys of others (RFC 5705). */
  get dtls(): DtlsConnection | undefined {
    return this.#dtls
  }

  counters(): PeerCounters {
    return { ...this.#counters }
  }

  /** As `IceAgent.gather`. */
  gather(ips: readonly Uint8Array[], now: number, out: PeerOut): void {
    this.#agent.gather(ips, now, this.#agentOut.through(out))
    this.#settle(now, out)
  }

  /** As `IceAgent.gatherOn`. */
  gatherOn(socket: Socket, local: Address, now: number, out: PeerOut): void {
    this.#agent.gatherOn(socket, local, now, this.#agentOut.through(out))
    this.#settle(now, out)
  }

  /**
   * What the other end's description says, and each later one. Throws a TypeError for ICE credentials that RFC 8839 does not
   * allow, and for another certificate or role than before: that takes another peer (RFC 8842 §4).
   */
  setRemote(remote: RemotePeer, now: number, out: PeerOut): void {
    if (!this.#isSameAssociation(remote))
      throw new TypeError("remote: another certificate or role than before takes another peer (RFC 8842 §4)")
    this.#agent.setRemote(remote.ice, now, this.#agentOut.through(out))
    this.#remote ??= remote
    this.#hasNews = true
    this.#settle(now, out)
  }

  /** As `IceAgent.addRemoteCandidate`. */
  addRemoteCandidate(text: string, now: number, out: PeerOut): string | undefined {
    const why = this.#agent.addRemoteCandidate(text, now, this.#agentOut.through(out))
    this.#settle(now, out)
    return why
  }

  endOfRemoteCandidates(now: number, out: PeerOut): void {
    this.#agent.endOfRemoteCandidates(now, this.#agentOut.through(out))
  }

  /** RFC 8445 §9: new credentials for ICE. What DTLS agreed on goes on. */
  restart(now: number, out: PeerOut): void {
    this.#agent.restart(now, this.#agentOut.through(out))
    this.#settle(now, out)
  }

  /** Room for `max` bytes of data in `out.bytes`; -1 while there is nobody to send them to. */
  reserve(max: number, now: number, out: PeerOut): number {
    if (this.#dtls === undefined || this.#dtlsState !== "connected") return -1
    const at = this.#dtls.reserve(max, now, this.#dtlsOut.at(now, out))
    return this.#dtlsOut.isLost ? -1 : at
  }

  /** Sends the first `length` bytes of the last `reserve` through DTLS. */
  commit(length: number, now: number, out: PeerOut): void {
    this.#dtls?.commit(length, now, this.#dtlsOut.at(now, out))
    this.#settle(now, out)
  }

  /** Room for an RTP packet of `max` bytes in `out.bytes`; -1 while there are no keys, or no path. */
  reserveRtp(max: number, now: number, out: PeerOut): number {
    return this.#reserveMedia(false, max, now, out)
  }

  /** Protects the first `length` bytes of the last `reserveRtp`, and sends them. False where SRTP does not allow it. */
  commitRtp(length: number, out: PeerOut): boolean {
    return this.#commitMedia(false, length, out)
  }

  /** As `reserveRtp`, of a compound RTCP packet. */
  reserveRtcp(max: number, now: number, out: PeerOut): number {
    return this.#reserveMedia(true, max, now, out)
  }

  /** As `commitRtp`, of a compound RTCP packet. */
  commitRtcp(length: number, out: PeerOut): boolean {
    return this.#commitMedia(true, length, out)
  }

  /** Says so to the other end. */
  close(now: number, out: PeerOut): void {
    if (this.#state === "closed") return
    this.#dtls?.close(now, this.#dtlsOut.at(now, out))
    this.#end(now, out)
  }

  receive(d: Datagram, now: number, out: PeerOut): void {
    this.#agent.receive(d, now, this.#agentOut.through(out))
    this.#settle(now, out)
  }

  reply(answer: Reply, now: number, out: PeerOut): void {
    this.#agent.reply(answer, now, this.#agentOut.through(out))
    this.#settle(now, out)
  }

  tick(now: number, out: PeerOut): void {
    if (now >= this.#agent.nextTick) this.#agent.tick(now, this.#agentOut.through(out))
    if (this.#dtls !== undefined && now >= this.#dtls.nextTick) {
      this.#tellRoundTrip()
      this.#dtls.tick(now, this.#dtlsOut.at(now, out))
    }
    this.#settle(now, out)
  }

  closed(path: Path, now: number, out: PeerOut): void {
    this.#agent.closed(path, now, this.#agentOut.through(out))
    this.#settle(now, out)
  }

  get nextTick(): number {
    return Math.min(this.#agent.nextTick, this.#dtls?.nextTick ?? Infinity)
  }

  /** What came from where the other end proved that it has our ICE password. */
  #arrived(d: Datagram, now: number, out: PeerOut): void {
    const kind = demultiplex(d.bytes[d.offset]!)
    if (kind === "media") this.#arrivedMedia(d, now, out)
    else if (kind === "other") return
    else if (this.#dtls !== undefined) this.#dtls.receive(d, now, this.#dtlsOut.at(now, out))
    else if (!this.#early.keep(d)) this.#counters.earlyDropped++
  }

  #arrivedMedia(d: Datagram, now: number, out: PeerOut): void {
    if (this.#media === undefined) {
      this.#counters.mediaEarly++
      return
    }
    const rtcp = d.length > 1 && isRtcp(d.bytes[d.offset + 1]!)
    if (!this.#media.unprotect(rtcp, d)) this.#counters.mediaRejected++
    else if (rtcp) this.#options.onRtcp?.(d, now, out)
    else this.#options.onRtp?.(d, now, out)
  }

  #reserveMedia(rtcp: boolean, max: number, now: number, out: PeerOut): number {
    if (this.#media === undefined) return -1
    const room = max + this.#media.overhead(rtcp)
    this.#reservedAt = this.#agent.reserve(room, now, this.#agentOut.through(out))
    return this.#reservedAt
  }

  #commitMedia(rtcp: boolean, length: number, out: PeerOut): boolean {
    if (this.#media === undefined || this.#reservedAt < 0) return false
    const sent = this.#media.protect(rtcp, out.bytes, this.#reservedAt, length)
    this.#reservedAt = -1
    this.#agent.commit(Math.max(0, sent), this.#agentOut.through(out))
    return sent >= 0
  }

  #hear(event: DtlsEvent): void {
    this.#dtlsState = event.state
    this.#hasNews = true
  }

  /** After each turn: what follows from what was told. */
  #settle(now: number, out: PeerOut): void {
    // Closing tells things too.
    while (this.#hasNews && this.#state !== "closed") {
      this.#hasNews = false
      this.#secure(now, out)
      this.#settleMedia()
      if (this.#dtlsState === "closed") this.#end(now, out)
      else this.#enter(this.#judge(), out)
    }
  }

  #isSameAssociation({ fingerprints, setup }: RemotePeer): boolean {
    if (this.#remote === undefined) return true
    const ours = this.setup
    // An offer leaves open again what was agreed on.
    const isSameRole = setup === "actpass" || ownSetup(setup, "active") === ours
    return isSameRole && namesOf(this.#remote.fingerprints) === namesOf(fingerprints)
  }

  /** Begins the handshake once it is known with whom, and over what. */
  #secure(now: number, out: PeerOut): void {
    const remote = this.#remote
    if (this.#dtls !== undefined || remote === undefined || this.#agent.selected === undefined) return
    const { crypto, certificate, dtls = {} } = this.#options
    this.#dtls = new DtlsConnection({
      ...dtls,
      crypto,
      certificate,
      role: this.setup === "active" ? "client" : "server",
      remote: remote.fingerprints,
      onData: (d, now) => this.#options.onData?.(d, now, this.#agentOut.lender),
    })
    this.#tellRoundTrip()
    this.#dtls.start(now, this.#dtlsOut.at(now, out))
    for (const d of this.#early.take()) this.#dtls.receive(d, now, this.#dtlsOut.at(now, out))
  }

  /** Media has keys for as long as DTLS stands by them. */
  #settleMedia(): void {
    const keys = this.#dtlsState === "connected" ? this.#dtls?.srtp : undefined
    if (keys === undefined) {
      this.#media?.close()
      this.#media = undefined
    } else this.#media ??= new Media(this.#options.crypto, keys)
  }

  /** RFC 9147 §5.8.2: whoever knows the path better than the default should say so. */
  #tellRoundTrip(): void {
    const { roundTrip } = this.#agent
    if (roundTrip !== undefined) this.#dtls?.roundTrip(roundTrip)
  }

  #judge(): PeerState {
    const [ice, dtls] = [this.#agent.state, this.#dtlsState]
    if (ice === "failed" || dtls === "failed") return "failed"
    if (ice === "disconnected") return "disconnected"
    if (ice === "connected" && dtls === "connected") return "connected"
    return ice === "new" && dtls === "new" ? "new" : "connecting"
  }

  #end(now: number, out: PeerOut): void {
    this.#agent.close(now, this.#agentOut.through(out))
    this.#early.take()
    this.#dtlsState = "closed"
    this.#settleMedia()
    this.#enter("closed", out)
  }

  #enter(state: PeerState, out: PeerOut): void {
    if (state === this.#state) return
    this.#state = state
    out.tell({ type: "state", state })
  }
}

/** In one order, and one case. */
function namesOf(fingerprints: readonly Fingerprint[]): string {
  const names = fingerprints.map(({ algorithm, value }) => `${algorithm} ${value.toUpperCase()}`)
  return names.toSorted().join()
}
