import { CandidateNotes } from "./candidate-notes.ts"
import { summaryText } from "./candidate-words.ts"
import { type ChannelName, DataChannels } from "./data-channels.ts"
import type { Deliveries } from "./delivery.ts"
import type { Clock } from "./environment.ts"
import type { Candidate, Description, IceServer, Role, Signal } from "./messages.ts"
import type { Message } from "./outgoing.ts"
import { Recovery } from "./recovery.ts"
import { Senders, type SentTrack } from "./senders.ts"
import type { SelectedPath } from "./timeline.ts"
import { TimelineRecorder } from "./timeline-recorder.ts"

export interface PeerLinkOptions {
  readonly peer: string
  readonly peerName: () => string
  readonly role: Role
  readonly clock: Clock
  readonly createConnection: (configuration: RTCConfiguration) => RTCPeerConnection
  /** `createConnection` threw. */
  readonly notSupported: (cause: unknown) => void
  readonly iceServers: () => readonly IceServer[]
  readonly iceTransportPolicy: RTCIceTransportPolicy
  readonly certificate: RTCCertificate | undefined
  /** What we send to everybody, now. */
  readonly tracks: () => readonly SentTrack[]
  readonly signal: (signal: Signal, generation: number) => void
  /** A remote track arrived for a publication, or went (`undefined`). */
  readonly onTrack: (publication: string, track: MediaStreamTrack | undefined) => void
  readonly deliveries: Deliveries
  readonly onMessage: (data: string | ArrayBuffer) => void
  /** The peer is who was here as this participant before. */
  readonly onReturned: (before: string) => void
  readonly onChange: () => void
}

/** How long the side that may wait for an offer waits, ms, before it makes one itself. */
const OFFER_PATIENCE = 5000

/** Candidates that are kept until the description that they belong to arrives. A browser gathers a few dozen at most. */
const MAX_EARLY = 100

/** How often the path is looked at: until media flows, then at leisure, ms. */
const STATS_EAGER = 250
const STATS_CALM = 2000

/**
 * The connection to one peer: perfect negotiation, candidates by generation, two data channels, recovery,
 * and the timeline of it all. It may take several RTCPeerConnections, one after another; each is a
 * generation, and what was said in an earlier one is not heard in a later.
 */
export class PeerLink {
  readonly recorder: TimelineRecorder
  readonly #options: PeerLinkOptions
  readonly #candidates: CandidateNotes
  readonly #channels: DataChannels
  readonly #recovery: Recovery
  readonly #senders: Senders
  #pc: RTCPeerConnection | undefined
  #generation = 0
  #makingOffer = false
  #ignoringOffer = false
  /** Signals of a generation are applied one after the other, whatever each awaits. */
  #queue: Promise<void> = Promise.resolve()
  /** Candidates that came before the description that they belong to. */
  #early: Candidate[] = []
  /** mid → publication, as the peer last told. */
  #remoteTracks: Readonly<Record<string, string>> = {}
  readonly #shown = new Map<string, MediaStreamTrack>()
  #closed = false
  #chosen: { pair: string | undefined; security: string | undefined } = {
    pair: undefined,
    security: undefined,
  }
  #cancelStats: () => void = () => {}

  constructor(options: PeerLinkOptions) {
    const { peer, peerName, role, clock, deliveries, onChange, onMessage, onReturned } = options
    this.#options = options
    const recorder = new TimelineRecorder(peer, () => clock.now(), onChange)
    this.recorder = recorder
    this.#candidates = new CandidateNotes(recorder, peerName, options.iceTransportPolicy === "relay")
    this.#senders = new Senders(error => recorder.event("transmission", "error", String(error)))
    this.#channels = new DataChannels({
      peer,
      clock,
      deliveries,
      message: onMessage,
      closed: () => this.#recovery.closed(),
      returned: onReturned,
      opened: () => {
        recorder.event("transmission", "channel", "The data channel is open.")
        recorder.done("transmission", "data flows")
      },
    })
    this.#recovery = new Recovery(clock, role, recorder, {
      restartIce: () => this.restartIce(),
      reconnect: why => this.#reconnect(why),
      reaches: now => this.#channels.reaches(now),
      whyNoPath: () => this.#candidates.whyNoPath,
    })
  }

  /** Begins: the polite side, which came later, offers; the other waits for that, within reason. */
  start(): void {
    this.recorder.begin("offer-answer", `an offer from ${this.#options.peerName()}`)
    if (this.#options.role === "polite") this.#connect()
    else this.#recovery.wait(OFFER_PATIENCE, () => this.#pc ?? this.#connect())
  }

  /** The connection of now, for those who want to look deeper. */
  get connection(): RTCPeerConnection | undefined {
    return this.#pc
  }

  /** Takes a signal of the peer. */
  receive(signal: Signal, generation: number): void {
    if (this.#closed || generation < this.#generation) return
    if (generation > this.#generation) {
      if (!("description" in signal && signal.description.type === "offer")) return
      // The peer gave the earlier connection up: so do we.
      this.#teardown()
      this.#recovery.peerReconnected()
      this.#generation = generation
      this.recorder.restart(`${this.#options.peerName()} began a new connection.`)
    }
    this.#queue = this.#queue
      .then(() => this.#apply(signal, generation))
      .catch(error => {
        if (generation === this.#generation) this.recorder.event("offer-answer", "error", String(error))
      })
  }

  /** Sends exactly the tracks that `tracks()` now gives. */
  syncTracks(): void {
    if (this.#pc !== undefined) this.#senders.sync(this.#pc, this.#options.tracks())
  }

  /** One of the two ends lost signals on the way: says again what may have been lost. */
  resync(): void {
    const pc = this.#pc
    if (pc === undefined || this.#closed) return
    if (pc.connectionState !== "connected") this.#reconnect("Signaling was interrupted while connecting.")
    else if (pc.signalingState === "have-local-offer") this.#describe(pc)
  }

  /** Does not wait for the next try: somebody asks for a new connection now. */
  reconnect(): void {
    this.#recovery.resetPatience()
    this.#reconnect("A new connection was asked for.")
  }

  /** Sends on a data channel; resolves when there is room for more. Rejects when the link closes first. */
  send(channel: ChannelName, message: Message): Promise<void> {
    return this.#channels.send(channel, message)
  }

  /** As `send`, to one of many: does not wait for a peer that cannot be reached. */
  sendAlong(channel: ChannelName, message: Message): Promise<void> {
    return this.#channels.sendAlong(channel, message)
  }

  get maxMessageSize(): number {
    return this.#pc?.sctp?.maxMessageSize ?? 65_536
  }

  /** `expected`: the peer may come back as another participant. */
  close(expected = false): void {
    this.#closed = true
    this.#teardown()
    this.#channels.close(expected)
  }

  #connect(): void {
    this.#recovery.stop()
    const { iceServers, iceTransportPolicy, certificate, createConnection, notSupported } = this.#options
    let pc: RTCPeerConnection
    try {
      pc = createConnection({
        iceServers: mutable(iceServers()),
        iceTransportPolicy,
        bundlePolicy: "max-bundle",
        rtcpMuxPolicy: "require",
        ...(certificate && { certificates: [certificate] }),
      })
    } catch (cause) {
      return notSupported(cause)
    }
    this.#pc = pc
    this.#watch(pc)
    this.#channels.open(pc)
    this.syncTracks()
    this.#look(STATS_EAGER)
  }

  #watch(pc: RTCPeerConnection): void {
    const { recorder } = this
    const generation = this.#generation
    pc.onnegotiationneeded = () => void this.#offer(pc)
    pc.onicecandidate = ({ candidate }) => {
      const {
        candidate: line = "",
        sdpMid = "0",
        sdpMLineIndex = 0,
        usernameFragment = null,
      } = candidate ?? {}
      this.#candidates.local(line)
      const plain: Candidate = { candidate: line, sdpMid, sdpMLineIndex, usernameFragment }
      this.#options.signal({ candidate: plain }, generation)
    }
    pc.onicecandidateerror = ({ errorCode, errorText, url }) =>
      recorder.event("candidates", "error", `${url}: ${errorCode} ${errorText}`)
    pc.onicegatheringstatechange = () => this.#candidates.gathering(pc.iceGatheringState)
    pc.oniceconnectionstatechange = () => this.#recovery.iceChanged(pc.iceConnectionState)
    pc.onconnectionstatechange = () => this.#recovery.connectionChanged(pc.connectionState)
    pc.onsignalingstatechange = () => {
      // It is stable for a moment, too, when an offer of ours is taken back for the peer's.
      const agreed = pc.signalingState === "stable" && pc.currentRemoteDescription !== null
      if (agreed) recorder.done("offer-answer", "agreed")
    }
  }

  async #offer(pc: RTCPeerConnection): Promise<void> {
    if (pc !== this.#pc || pc.signalingState === "closed") return
    try {
      this.#makingOffer = true
      await pc.setLocalDescription()
      this.#describe(pc)
    } catch (error) {
      // An offer that crossed with the peer's, or a connection that was closed meanwhile: both pass.
      if (pc === this.#pc) this.recorder.event("offer-answer", "error", String(error))
    } finally {
      if (pc === this.#pc) this.#makingOffer = false
    }
  }

  /** Tells the peer our description as it stands. */
  #describe(pc: RTCPeerConnection): void {
    const description = pc.localDescription
    if (description === null || pc !== this.#pc) return
    const type = description.type === "offer" ? "offer" : "answer"
    const tracks = this.#senders.publications(pc)
    this.#options.signal({ description: { type, sdp: description.sdp }, tracks }, this.#generation)
    this.recorder.event("offer-answer", type, `You sent an ${type}.`)
    // What is agreed later, as a screen, changes a call that goes on.
    if (type === "offer" && this.recorder.status("offer-answer") !== "done")
      this.recorder.begin("offer-answer", `${this.#options.peerName()}'s answer`)
  }

  async #apply(signal: Signal, generation: number): Promise<void> {
    if (this.#closed || generation < this.#generation) return
    if (this.#pc === undefined) {
      if ("candidate" in signal) return this.#keepEarly(signal.candidate)
      if (signal.description.type === "answer") return
      // Our channels and tracks are there before the offer is applied, so that the answer has them.
      this.#connect()
    }
    const pc = this.#pc
    if (pc === undefined) return
    if ("candidate" in signal) await this.#addCandidate(pc, signal.candidate)
    else await this.#accept(pc, signal)
  }

  /** Perfect negotiation: of two offers that cross, the polite side's yields (W3C WebRTC, "perfect negotiation"). */
  async #accept(
    pc: RTCPeerConnection,
    { description, tracks }: Extract<Signal, { description: unknown }>,
  ): Promise<void> {
    const { type } = description
    const collision = type === "offer" && (this.#makingOffer || pc.signalingState !== "stable")
    this.#ignoringOffer = this.#options.role === "impolite" && collision
    if (this.#ignoringOffer) {
      this.recorder.event("offer-answer", "crossed", "Both offered at once; ours goes on.")
      return
    }
    if (type === "answer" && pc.signalingState !== "have-local-offer") return
    this.recorder.event("offer-answer", type, `${this.#options.peerName()} sent an ${type}.`)
    if (restartsIce(pc, description)) this.#beginGeneration(pc)
    this.#channels.describe(description.sdp)
    try {
      await pc.setRemoteDescription(description)
    } catch (error) {
      // Chromium (156) does not take ours back for one that numbers media sections and header extensions otherwise.
      if (!collision || pc !== this.#pc) throw error
      return this.#reconnect(`Two offers crossed that exclude each other: ${String(error)}`)
    }
    if (pc !== this.#pc) return
    this.#remoteTracks = tracks
    const early = this.#early
    this.#early = []
    for (const candidate of early) await this.#addCandidate(pc, candidate)
    if (type === "offer") {
      await pc.setLocalDescription()
      this.#describe(pc)
    }
    if (pc === this.#pc) this.#showTracks(pc)
  }

  async #addCandidate(pc: RTCPeerConnection, candidate: Candidate): Promise<void> {
    if (pc.remoteDescription === null) return this.#keepEarly(candidate)
    this.#candidates.remote(candidate.candidate)
    try {
      await pc.addIceCandidate(candidate)
    } catch (error) {
      // Those of an offer that we ignored belong to nothing.
      if (!this.#ignoringOffer && pc === this.#pc) this.recorder.event("candidates", "error", String(error))
    }
  }

  #keepEarly(candidate: Candidate): void {
    if (this.#early.length < MAX_EARLY) this.#early.push(candidate)
  }

  /** Looks for paths anew, on the same connection: what it carries goes on over the old one for as long as that lasts. */
  restartIce(): void {
    const pc = this.#pc
    if (pc === undefined) return
    this.#beginGeneration(pc)
    pc.restartIce()
  }

  /** New candidates will be gathered: with credentials that are still good, as the first may not be. */
  #beginGeneration(pc: RTCPeerConnection): void {
    this.#candidates.reset()
    pc.setConfiguration({ ...pc.getConfiguration(), iceServers: mutable(this.#options.iceServers()) })
  }

  /** Gives this connection up for a new one, of the next generation. */
  #reconnect(why: string): void {
    if (this.#closed) return
    this.#teardown()
    this.#generation++
    this.recorder.restart(why)
    this.recorder.begin("offer-answer", "a new offer")
    this.#connect()
  }

  /** Gives out the tracks that arrived, under the ids of the publications they belong to. */
  #showTracks(pc: RTCPeerConnection): void {
    const live = new Map<string, MediaStreamTrack>()
    for (const { mid, receiver, currentDirection } of pc.getTransceivers()) {
      const publication = mid === null ? undefined : this.#remoteTracks[mid]
      const receives = currentDirection === "sendrecv" || currentDirection === "recvonly"
      if (publication !== undefined && receives) live.set(publication, receiver.track)
    }
    for (const [publication, track] of this.#shown) {
      if (live.get(publication) === track) continue
      this.#shown.delete(publication)
      this.#options.onTrack(publication, undefined)
    }
    for (const [publication, track] of live) {
      if (this.#shown.has(publication)) continue
      this.#shown.set(publication, track)
      this.#options.onTrack(publication, track)
    }
  }

  #look(ms: number): void {
    this.#cancelStats()
    this.#cancelStats = this.#options.clock.after(ms, () => void this.#readStats())
  }

  async #readStats(): Promise<void> {
    const pc = this.#pc
    if (pc === undefined) return
    // A browser that gives none this time may give some the next.
    const found = await Promise.all([pc.getStats(), import("./selected-path.ts")]).catch(() => undefined)
    if (pc !== this.#pc) return
    if (found === undefined) return this.#look(STATS_CALM)
    const [report, { readPath }] = found
    const { path, security } = readPath(report)
    this.#noteChoice(path, security)
    this.recorder.path(path, security)
    this.#look(path?.roundTripTime === undefined ? STATS_EAGER : STATS_CALM)
  }

  /** The pair and the keys that the browser settled on, each time they change. */
  #noteChoice(path: SelectedPath | undefined, security: string | undefined): void {
    const pair = path && `${summaryText(path.local)} to ${summaryText(path.remote)}`
    if (pair !== undefined && pair !== this.#chosen.pair)
      this.recorder.event("checks", "selected", `The call goes from ${pair}.`)
    if (security !== undefined && security !== this.#chosen.security)
      this.recorder.event("security", "agreed", `Encrypted with ${security}.`)
    this.#chosen = { pair: pair ?? this.#chosen.pair, security: security ?? this.#chosen.security }
  }

  #teardown(): void {
    this.#recovery.stop()
    this.#cancelStats()
    this.#pc?.close()
    this.#pc = undefined
    // What waits for an operation of a closed connection waits for ever (W3C WebRTC §4.4.1.2).
    this.#queue = Promise.resolve()
    this.#channels.detach()
    this.#senders.clear()
    this.#early = []
    this.#remoteTracks = {}
    this.#candidates.reset()
    this.#chosen = { pair: undefined, security: undefined }
    this.#ignoringOffer = false
    this.#makingOffer = false
    for (const publication of this.#shown.keys()) this.#options.onTrack(publication, undefined)
    this.#shown.clear()
  }
}

const ufragOf = (sdp: string | undefined): string | undefined => /^a=ice-ufrag:(\S+)/m.exec(sdp ?? "")?.[1]

/** An offer of other ICE credentials than before asks for new candidates (RFC 8839 §4.4.1.1.1). */
function restartsIce(pc: RTCPeerConnection, { type, sdp }: Description): boolean {
  const before = ufragOf(pc.currentRemoteDescription?.sdp)
  return type === "offer" && before !== undefined && before !== ufragOf(sdp)
}

/** The DOM's types want arrays that they may change, and do not. */
const mutable = (servers: readonly IceServer[]) => servers as RTCIceServer[]
