import { type ChannelName, DataChannels } from "./data-channels.ts"
import type { Clock } from "./environment.ts"
import type { Candidate, IceServer, Role, Signal } from "./messages.ts"
import { describeCandidate, readPath, summaryText } from "./selected-path.ts"
import type { SelectedPath } from "./timeline.ts"
import { TimelineRecorder } from "./timeline-recorder.ts"

/** What is sent for a publication. */
export interface SentTrack {
  readonly publication: string
  /** `undefined` while it sends nothing, as a camera that is off: its place in the connection is kept. */
  readonly track: MediaStreamTrack | undefined
  readonly stream: MediaStream
}

export interface PeerLinkOptions {
  readonly peer: string
  readonly peerName: () => string
  readonly role: Role
  readonly clock: Clock
  readonly createConnection: (configuration: RTCConfiguration) => RTCPeerConnection
  readonly iceServers: () => readonly IceServer[]
  readonly iceTransportPolicy: RTCIceTransportPolicy
  /** What we send to everybody, now. */
  readonly tracks: () => readonly SentTrack[]
  readonly signal: (signal: Signal, generation: number) => void
  /** A remote track arrived for a publication, or went (`undefined`). */
  readonly onTrack: (publication: string, track: MediaStreamTrack | undefined) => void
  readonly onMessage: (data: string | ArrayBuffer) => void
  readonly onChange: () => void
}

/** How long the side that may wait for an offer waits, ms, before it makes one itself. */
const OFFER_PATIENCE = 5000

/** How long a broken path may mend by itself before ICE is restarted, ms. */
const DISCONNECTED_PATIENCE = 3000

/** How long an ICE restart may take before the whole connection is made anew, ms. */
const RESTART_PATIENCE = 10_000

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
  #pc: RTCPeerConnection | undefined
  #generation = 0
  readonly #channels: DataChannels
  #makingOffer = false
  #ignoringOffer = false
  /** Signals are applied one after the other, whatever each awaits. */
  #queue: Promise<void> = Promise.resolve()
  /** Candidates that came before the description that they belong to. */
  #early: Candidate[] = []
  /** mid → publication, as the peer last told. */
  #remoteTracks: Readonly<Record<string, string>> = {}
  readonly #shown = new Map<string, MediaStreamTrack>()
  #closed = false
  #counts = { local: 0, remote: 0, localRelays: 0 }
  #chosen: { pair: string | undefined; security: string | undefined } = {
    pair: undefined,
    security: undefined,
  }
  #cancelPatience: () => void = () => {}
  #cancelStats: () => void = () => {}
  readonly #senders = new Map<string, RTCRtpSender>()

  constructor(options: PeerLinkOptions) {
    this.#options = options
    this.recorder = new TimelineRecorder(options.peer, () => options.clock.now(), options.onChange)
    this.#channels = new DataChannels({
      message: options.onMessage,
      opened: () => {
        this.recorder.event("transmission", "channel", "The data channel is open.")
        this.recorder.done("transmission", "data flows")
      },
    })
  }

  /** Begins: the polite side, which came later, offers; the other waits for that, within reason. */
  start(): void {
    this.recorder.begin("offer-answer", `an offer from ${this.#options.peerName()}`)
    if (this.#options.role === "polite") this.#connect()
    else this.#wait(OFFER_PATIENCE, () => this.#pc ?? this.#connect())
  }

  /** The connection of now, for those who want to look deeper. */
  get connection(): RTCPeerConnection | undefined {
    return this.#pc
  }

  /** Takes a signal of the peer. */
  receive(signal: Signal, generation: number): void {
    this.#queue = this.#queue
      .then(() => this.#apply(signal, generation))
      .catch(error => this.recorder.event("offer-answer", "error", String(error)))
  }

  /** Sends exactly the tracks that `tracks()` now gives. */
  syncTracks(): void {
    const pc = this.#pc
    if (pc === undefined) return
    const wanted = new Map(this.#options.tracks().map(each => [each.publication, each]))
    for (const [publication, sender] of this.#senders) {
      const sent = wanted.get(publication)
      if (sent === undefined) {
        this.#senders.delete(publication)
        if (pc.signalingState !== "closed") pc.removeTrack(sender)
      } else if (sender.track !== (sent.track ?? null)) void sender.replaceTrack(sent.track ?? null)
    }
    for (const [publication, { track, stream }] of wanted)
      if (track !== undefined && !this.#senders.has(publication))
        this.#senders.set(publication, this.#addTrack(pc, track, stream))
  }

  /** addTrack never takes a section again that has sent before: a screen shared ten times would leave ten behind. */
  #addTrack(pc: RTCPeerConnection, track: MediaStreamTrack, stream: MediaStream): RTCRtpSender {
    const idle = pc
      .getTransceivers()
      .find(
        ({ sender, receiver, direction, currentDirection }) =>
          currentDirection !== null &&
          (direction === "recvonly" || direction === "inactive") &&
          sender.track === null &&
          receiver.track.kind === track.kind &&
          ![...this.#senders.values()].includes(sender),
      )
    if (idle === undefined) return pc.addTrack(track, stream)
    idle.direction = idle.direction === "recvonly" ? "sendrecv" : "sendonly"
    idle.sender.setStreams(stream)
    void idle.sender.replaceTrack(track)
    return idle.sender
  }

  /** One of the two ends lost signals on the way: says again what may have been lost. */
  resync(): void {
    const pc = this.#pc
    if (pc === undefined || this.#closed) return
    if (pc.connectionState !== "connected") this.#reconnect("Signaling was interrupted while connecting.")
    else if (pc.signalingState === "have-local-offer") this.#describe(pc)
  }

  /** Sends on a data channel; resolves when there is room for more. Rejects when the link closes first. */
  send(channel: ChannelName, data: string | Uint8Array<ArrayBuffer>): Promise<void> {
    return this.#channels.send(channel, data)
  }

  get maxMessageSize(): number {
    return this.#pc?.sctp?.maxMessageSize ?? 65_536
  }

  close(): void {
    this.#closed = true
    this.#teardown()
    this.#channels.close()
  }

  #connect(): void {
    this.#cancelPatience()
    const { iceServers, iceTransportPolicy, createConnection } = this.#options
    const pc = createConnection({
      iceServers: mutable(iceServers()),
      iceTransportPolicy,
      bundlePolicy: "max-bundle",
      rtcpMuxPolicy: "require",
    })
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
      if (line !== "") {
        this.#counts.local++
        if (line.includes(" typ relay")) this.#counts.localRelays++
        recorder.event("candidates", "local", `You: ${describeCandidate(line)}`)
      }
      this.#noteCandidates()
      const plain: Candidate = { candidate: line, sdpMid, sdpMLineIndex, usernameFragment }
      this.#options.signal({ candidate: plain }, generation)
    }
    pc.onicecandidateerror = ({ errorCode, errorText, url }) =>
      recorder.event("candidates", "error", `${url}: ${errorCode} ${errorText}`)
    pc.onicegatheringstatechange = () => {
      if (pc.iceGatheringState === "gathering")
        recorder.begin("candidates", "answers of the STUN and TURN server")
      else if (pc.iceGatheringState === "complete") {
        recorder.event("candidates", "complete", "You have gathered all candidates.")
        this.#noteCandidates()
      }
    }
    pc.oniceconnectionstatechange = () => this.#iceChanged(pc)
    pc.onconnectionstatechange = () => this.#connectionChanged(pc)
    pc.onsignalingstatechange = () => {
      if (pc.signalingState === "stable") recorder.done("offer-answer", "agreed")
    }
    pc.ontrack = () => this.#showTracks(pc)
  }

  async #offer(pc: RTCPeerConnection): Promise<void> {
    if (pc !== this.#pc || pc.signalingState === "closed") return
    try {
      this.#makingOffer = true
      await pc.setLocalDescription()
      this.#describe(pc)
    } catch (error) {
      // An offer that crossed with the peer's, or a connection that was closed meanwhile: both pass.
      this.recorder.event("offer-answer", "error", String(error))
    } finally {
      this.#makingOffer = false
    }
  }

  /** Tells the peer our description as it stands. */
  #describe(pc: RTCPeerConnection): void {
    const description = pc.localDescription
    if (description === null || pc !== this.#pc) return
    const type = description.type === "offer" ? "offer" : "answer"
    const tracks: Record<string, string> = {}
    for (const { mid, sender } of pc.getTransceivers()) {
      const publication = [...this.#senders].find(([, each]) => each === sender)?.[0]
      if (mid !== null && publication !== undefined) tracks[mid] = publication
    }
    this.#options.signal({ description: { type, sdp: description.sdp }, tracks }, this.#generation)
    this.recorder.event("offer-answer", type, `You sent an ${type}.`)
    if (type === "offer") this.recorder.begin("offer-answer", `${this.#options.peerName()}'s answer`)
  }

  async #apply(signal: Signal, generation: number): Promise<void> {
    if (this.#closed || generation < this.#generation) return
    const isOffer = "description" in signal && signal.description.type === "offer"
    if (generation > this.#generation) {
      if (!isOffer) return
      // The peer gave the earlier connection up: so do we.
      this.#teardown()
      this.#generation = generation
      this.recorder.restart(`${this.#options.peerName()} began a new connection.`)
    }
    if (this.#pc === undefined) {
      if (!isOffer) {
        if ("candidate" in signal) this.#early.push(signal.candidate)
        return
      }
      // Our channels and tracks are there before the offer is applied, so that the answer has them.
      this.#connect()
    }
    const pc = this.#pc!
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
      this.recorder.event("offer-answer", "crossed", "Both sides offered at once; ours goes on.")
      return
    }
    if (type === "answer" && pc.signalingState !== "have-local-offer") return
    this.recorder.event("offer-answer", type, `${this.#options.peerName()} sent an ${type}.`)
    await pc.setRemoteDescription(description)
    this.#remoteTracks = tracks
    const early = this.#early
    this.#early = []
    for (const candidate of early) await this.#addCandidate(pc, candidate)
    if (type === "offer") {
      await pc.setLocalDescription()
      this.#describe(pc)
    }
    this.#showTracks(pc)
  }

  async #addCandidate(pc: RTCPeerConnection, candidate: Candidate): Promise<void> {
    if (pc.remoteDescription === null) {
      this.#early.push(candidate)
      return
    }
    if (candidate.candidate === "")
      this.recorder.event("candidates", "complete", `${this.#options.peerName()} has sent all candidates.`)
    else {
      this.#counts.remote++
      this.recorder.event(
        "candidates",
        "remote",
        `${this.#options.peerName()}: ${describeCandidate(candidate.candidate)}`,
      )
    }
    this.#noteCandidates()
    try {
      await pc.addIceCandidate(candidate)
    } catch (error) {
      // Those of an offer that we ignored belong to nothing.
      if (!this.#ignoringOffer) this.recorder.event("candidates", "error", String(error))
    }
  }

  #noteCandidates(): void {
    const { local, remote } = this.#counts
    const note = `${local} of ours, ${remote} of theirs`
    if (local > 0 && remote > 0 && this.#pc?.iceGatheringState === "complete")
      this.recorder.done("candidates", note)
    else if (this.recorder.status("candidates") !== "done") this.recorder.begin("candidates", note)
  }

  #iceChanged(pc: RTCPeerConnection): void {
    const { recorder } = this
    switch (pc.iceConnectionState) {
      case "checking":
        recorder.begin("checks", "a pair of candidates that answers")
        return
      case "connected":
      case "completed":
        recorder.done("checks", "a path is found")
        this.#cancelPatience()
        if (recorder.status("candidates") !== "done") recorder.done("candidates", "enough to connect")
        if (recorder.status("security") === "waiting") recorder.begin("security", "the DTLS handshake")
        return
      case "disconnected":
        recorder.begin("checks", "the path to answer again")
        this.#wait(DISCONNECTED_PATIENCE, () => this.#restartIce("The path stopped answering."))
        return
      case "failed":
        recorder.fail("checks", this.#whyNoPath())
        this.#restartIce("All checks failed.")
        return
      default:
    }
  }

  #connectionChanged(pc: RTCPeerConnection): void {
    const { recorder } = this
    if (pc.connectionState === "connected") {
      recorder.done("security", "keys are agreed")
      if (recorder.status("transmission") === "waiting") recorder.begin("transmission", "the first data")
    } else if (pc.connectionState === "failed" && recorder.status("checks") === "done") {
      recorder.fail("security", "The DTLS handshake failed, though the path works.")
      this.#wait(DISCONNECTED_PATIENCE, () => this.#reconnect("The DTLS handshake failed."))
    }
  }

  #whyNoPath(): string {
    const { local, remote, localRelays } = this.#counts
    if (local === 0) return "Your browser gathered no address at all: a policy or an extension may forbid it."
    if (remote === 0) return `No address of ${this.#options.peerName()} arrived: nothing could be tried.`
    const relay =
      localRelays === 0
        ? "You got no relay address, so nothing was left to fall back to."
        : "Not even the relay was reached by both."
    return `None of the addresses of both sides reached each other. ${relay}`
  }

  /** New candidates on the same connection: only one side asks, the other's answer brings its own. */
  #restartIce(why: string): void {
    const pc = this.#pc
    if (pc === undefined || this.#closed) return
    this.recorder.event("checks", "restart", `${why} Looking for a new path.`)
    this.#counts = { local: 0, remote: 0, localRelays: 0 }
    if (this.#options.role === "impolite") {
      // Should the polite side not do it (it may not have noticed), we do.
      this.#wait(DISCONNECTED_PATIENCE, () => this.#pc?.restartIce())
      return
    }
    pc.setConfiguration({
      ...pc.getConfiguration(),
      iceServers: mutable(this.#options.iceServers()),
    })
    pc.restartIce()
    this.#wait(RESTART_PATIENCE, () => this.#reconnect("No new path was found."))
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

  #wait(ms: number, act: () => void): void {
    this.#cancelPatience()
    this.#cancelPatience = this.#options.clock.after(ms, act)
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
    const report = await pc.getStats()
    if (pc !== this.#pc) return
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
    this.#cancelPatience()
    this.#cancelStats()
    this.#pc?.close()
    this.#pc = undefined
    this.#channels.detach()
    this.#senders.clear()
    this.#early = []
    this.#remoteTracks = {}
    this.#counts = { local: 0, remote: 0, localRelays: 0 }
    this.#chosen = { pair: undefined, security: undefined }
    this.#ignoringOffer = false
    this.#makingOffer = false
    for (const publication of this.#shown.keys()) this.#options.onTrack(publication, undefined)
    this.#shown.clear()
  }
}

/** The DOM's types want arrays that they may change. */
function mutable(servers: readonly IceServer[]): RTCIceServer[] {
  return servers.map(server => Object.assign({ ...server }, { urls: [...server.urls] }))
}
