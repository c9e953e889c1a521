/**
 * An RTCPeerConnection without a network, as the W3C describes it where that matters here: operations are chained
 * and take a moment, those in flight when the connection closes never settle, offers that cross roll back, and
 * negotiationneeded waits for a stable state. What ICE and DTLS come to is for the test to say.
 */
import type { Schedule } from "@tightbeam/sim"
import { FakeTrack } from "./fake-media.ts"

type Direction = RTCRtpTransceiverDirection

interface Section {
  readonly mid: string
  readonly kind: "audio" | "video"
  readonly direction: Direction
}

/** What an SDP of ours holds. */
interface Description {
  readonly connection: number
  readonly certificate: string
  readonly ufrag: string
  readonly sections: readonly Section[]
}

/** How long each operation takes, ms. */
const OPERATION = 1

const sends = (direction: Direction | null): boolean => direction === "sendrecv" || direction === "sendonly"
const receives = (direction: Direction | null): boolean =>
  direction === "sendrecv" || direction === "recvonly"
const directionOf = (send: boolean, receive: boolean): Direction =>
  send ? (receive ? "sendrecv" : "sendonly") : receive ? "recvonly" : "inactive"

const write = ({ connection, certificate, ufrag, sections }: Description): string =>
  `v=0\r\no=- ${connection} 0 IN IP4 0.0.0.0\r\na=fingerprint:sha-256 ${certificate}\r\na=ice-ufrag:${ufrag}\r\na=sections:${JSON.stringify(sections)}\r\n`

function read(sdp: string): Description {
  const [, connection, certificate, ufrag, sections] =
    /o=- (\d+) [^]*sha-256 (\S+)\r\na=ice-ufrag:(\S+)\r\na=sections:(.*)\r\n/.exec(sdp) ?? []
  if (sections === undefined) throw new DOMException(`no SDP: ${sdp}`, "OperationError")
  return {
    connection: Number(connection),
    certificate: certificate!,
    ufrag: ufrag!,
    sections: JSON.parse(sections) as Section[],
  }
}

export class FakeTransceiver {
  mid: string | null = null
  direction: Direction
  currentDirection: Direction | null = null
  readonly receiver: { readonly track: FakeTrack }
  readonly sender: FakeSender
  /** As the other side last offered it. */
  offered: Direction = "sendrecv"

  constructor(kind: "audio" | "video", direction: Direction, track: FakeTrack | null) {
    this.direction = direction
    this.receiver = { track: new FakeTrack(kind) }
    this.sender = new FakeSender(track)
  }
}

export class FakeSender {
  track: FakeTrack | null
  /** Makes the next `replaceTrack` fail. */
  refuses = false

  constructor(track: FakeTrack | null) {
    this.track = track
  }

  setStreams(): void {}

  async replaceTrack(track: FakeTrack | null): Promise<void> {
    if (this.refuses) throw new DOMException("The track does not fit.", "InvalidModificationError")
    this.track = track
  }
}

/** Stands in for an RTCCertificate: what a participant is known by. */
export interface FakeCertificate {
  readonly name: string
}

export class FakeDataChannel {
  readonly id: number
  readonly ordered: boolean
  readonly #world: FakeConnections
  readonly sent: unknown[] = []
  binaryType: string = "blob"
  readyState: RTCDataChannelState = "connecting"
  /** What a test says that the network has not taken yet, bytes. */
  bufferedAmount: number = 0
  bufferedAmountLowThreshold: number = 0
  onmessage: ((event: { data: unknown }) => void) | null = null
  onopen: (() => void) | null = null
  onclose: (() => void) | null = null
  onbufferedamountlow: (() => void) | null = null
  /** Where it is delivered, once connected. */
  other: FakeDataChannel | undefined
  /** What waits for a path, in order: SCTP sends it again until it is there (RFC 9260 §6.3). */
  #held: unknown[] = []
  #flows = true

  constructor(world: FakeConnections, id: number, ordered: boolean) {
    this.#world = world
    this.id = id
    this.ordered = ordered
  }

  send(given: unknown): void {
    if (this.readyState !== "open") throw new DOMException("It is not open.", "InvalidStateError")
    const data = given instanceof Uint8Array ? given.slice() : given
    this.sent.push(data)
    if (this.#flows) this.#carry(data)
    else this.#held.push(data)
  }

  /** Whether there is a path for it. */
  flow(flows: boolean): void {
    this.#flows = flows
    if (flows) for (const data of this.#held.splice(0)) this.#carry(data)
  }

  #carry(sent: unknown): void {
    const { other } = this
    const data = sent instanceof Uint8Array ? sent.slice().buffer : sent
    this.#world.carry(() => {
      const far = other ?? this.other
      // What is under way when either end closes is lost.
      if (this.readyState === "open" && far?.readyState !== "closed") far?.onmessage?.({ data })
    })
  }

  open(): void {
    if (this.readyState !== "connecting") return
    this.readyState = "open"
    this.onopen?.()
  }

  close(): void {
    this.readyState = "closed"
  }

  drain(): void {
    this.bufferedAmount = 0
    this.onbufferedamountlow?.()
  }
}

/** All connections of a test, so that each finds the one that its remote description is of. */
export class FakeConnections {
  readonly all: FakePeerConnection[] = []
  /** How long data is under way, ms; `undefined`: it is there before `send` returns. */
  latency: number | undefined
  readonly #schedule: Schedule

  constructor(schedule: Schedule) {
    this.#schedule = schedule
  }

  readonly create = (configuration: RTCConfiguration): RTCPeerConnection => {
    const made = new FakePeerConnection(this, this.all.length, configuration, this.#schedule)
    this.all.push(made)
    return made as unknown as RTCPeerConnection
  }

  carry(deliver: () => void): void {
    if (this.latency === undefined) deliver()
    else this.#schedule.after(this.latency, deliver)
  }

  /** The connections that nobody closed. */
  get open(): FakePeerConnection[] {
    return this.all.filter(each => each.signalingState !== "closed")
  }

  /** Lets all that have agreed reach each other. */
  establish(): void {
    for (const each of this.open) {
      const other = each.remote
      if (other === undefined || other.remote !== each || each.connectionState === "connected") continue
      for (const [id, channel] of each.channels) channel.other = other.channels.get(id)
      each.become("connected")
      for (const channel of each.channels.values()) channel.open()
    }
  }
}

export class FakePeerConnection {
  signalingState: RTCSignalingState = "stable"
  iceConnectionState: RTCIceConnectionState = "new"
  connectionState: RTCPeerConnectionState = "new"
  iceGatheringState: RTCIceGatheringState = "new"
  currentLocalDescription: RTCSessionDescriptionInit | null = null
  pendingLocalDescription: RTCSessionDescriptionInit | null = null
  currentRemoteDescription: RTCSessionDescriptionInit | null = null
  pendingRemoteDescription: RTCSessionDescriptionInit | null = null
  readonly sctp: { readonly maxMessageSize: number } = { maxMessageSize: 262_144 }
  readonly channels: Map<number, FakeDataChannel> = new Map()
  readonly candidates: RTCIceCandidateInit[] = []
  /** The ICE servers that each gathering asked. */
  readonly gatheredWith: (readonly RTCIceServer[])[] = []
  /** Makes `getStats` fail. */
  refusesStats = false
  onnegotiationneeded: (() => void) | null = null
  onicecandidate: ((event: { candidate: RTCIceCandidateInit | null }) => void) | null = null
  onicecandidateerror: (() => void) | null = null
  onicegatheringstatechange: (() => void) | null = null
  oniceconnectionstatechange: (() => void) | null = null
  onconnectionstatechange: (() => void) | null = null
  onsignalingstatechange: (() => void) | null = null
  ontrack: (() => void) | null = null
  readonly #world: FakeConnections
  readonly #id: number
  readonly #schedule: Schedule
  #configuration: RTCConfiguration
  readonly #transceivers: FakeTransceiver[] = []
  #chain: Promise<unknown> = Promise.resolve()
  #chained = 0
  #needed = false
  #ufrag = 0
  #restart = false
  #nextMid = 0

  constructor(world: FakeConnections, id: number, configuration: RTCConfiguration, schedule: Schedule) {
    this.#world = world
    this.#id = id
    this.#configuration = configuration
    this.#schedule = schedule
  }

  get localDescription(): RTCSessionDescriptionInit | null {
    return this.pendingLocalDescription ?? this.currentLocalDescription
  }

  get remoteDescription(): RTCSessionDescriptionInit | null {
    return this.pendingRemoteDescription ?? this.currentRemoteDescription
  }

  /** The connection at the other end, once something of it has been agreed. */
  get remote(): FakePeerConnection | undefined {
    const sdp = this.currentRemoteDescription?.sdp
    return sdp === undefined ? undefined : this.#world.all[read(sdp).connection]
  }

  getConfiguration(): RTCConfiguration {
    return { ...this.#configuration }
  }

  setConfiguration(configuration: RTCConfiguration): void {
    this.#mustBeOpen()
    this.#configuration = configuration
  }

  getTransceivers(): FakeTransceiver[] {
    return [...this.#transceivers]
  }

  addTrack(track: FakeTrack): FakeSender {
    this.#mustBeOpen()
    const unused = this.#transceivers.find(
      ({ sender, receiver, direction, currentDirection }) =>
        sender.track === null &&
        receiver.track.kind === track.kind &&
        !sends(direction) &&
        !sends(currentDirection),
    )
    if (unused !== undefined) unused.direction = directionOf(true, receives(unused.direction))
    else this.#transceivers.push(new FakeTransceiver(track.kind, "sendrecv", track))
    const { sender } = unused ?? this.#transceivers.at(-1)!
    sender.track = track
    this.#updateNegotiationNeeded()
    return sender
  }

  removeTrack(sender: FakeSender): void {
    this.#mustBeOpen()
    const transceiver = this.#transceivers.find(each => each.sender === sender)!
    sender.track = null
    transceiver.direction = directionOf(false, receives(transceiver.direction))
    this.#updateNegotiationNeeded()
  }

  createDataChannel(
    _label: string,
    { id, ordered = true }: { id: number; ordered?: boolean },
  ): FakeDataChannel {
    this.#mustBeOpen()
    const channel = new FakeDataChannel(this.#world, id, ordered)
    this.channels.set(id, channel)
    // On a connection that works, a negotiated channel is open as soon as it is made.
    if (this.connectionState === "connected")
      this.#schedule.after(0, () => {
        const far = this.remote?.channels.get(id)
        channel.other = far
        if (far !== undefined) far.other = channel
        if (this.signalingState !== "closed") channel.open()
      })
    this.#updateNegotiationNeeded()
    return channel
  }

  restartIce(): void {
    this.#restart = true
    this.#updateNegotiationNeeded()
  }

  async getStats(): Promise<Map<string, unknown>> {
    if (this.refusesStats) throw new DOMException("No statistics.", "OperationError")
    return new Map()
  }

  setLocalDescription(): Promise<void> {
    return this.#operation(() => {
      if (this.signalingState === "have-remote-offer") this.#answer()
      else this.#offer()
    })
  }

  setRemoteDescription({ type, sdp }: { type: "offer" | "answer"; sdp: string }): Promise<void> {
    return this.#operation(() => {
      const { sections } = read(sdp)
      if (type === "answer") {
        if (this.signalingState !== "have-local-offer")
          throw new DOMException(`An answer in ${this.signalingState}.`, "InvalidStateError")
        this.#associate(sections)
        this.#agree(this.pendingLocalDescription, { type, sdp })
      } else {
        if (this.signalingState === "have-local-offer") this.#rollback()
        this.#associate(sections)
        this.pendingRemoteDescription = { type, sdp }
        this.#signalingState("have-remote-offer")
      }
      if (this.#transceivers.some(each => sends(each.offered))) this.ontrack?.()
    })
  }

  addIceCandidate(candidate: RTCIceCandidateInit): Promise<void> {
    return this.#operation(() => {
      if (this.remoteDescription === null)
        throw new DOMException("A candidate before its description.", "InvalidStateError")
      if (candidate.usernameFragment !== read(this.remoteDescription.sdp!).ufrag)
        throw new DOMException("A candidate of another generation.", "OperationError")
      this.candidates.push(candidate)
    })
  }

  close(): void {
    this.signalingState = "closed"
    this.connectionState = "closed"
    this.iceConnectionState = "closed"
    for (const channel of this.channels.values()) channel.readyState = "closed"
  }

  /** For tests: what ICE has come to. */
  ice(state: RTCIceConnectionState): void {
    this.iceConnectionState = state
    this.oniceconnectionstatechange?.()
  }

  /** For tests: what ICE and DTLS have come to, and what lies on the way there. */
  become(state: "connected" | "disconnected" | "failed"): void {
    if (this.iceConnectionState === "new") this.ice("checking")
    for (const channel of this.channels.values()) channel.flow(state === "connected")
    this.ice(state)
    this.connectionState = state
    this.onconnectionstatechange?.()
  }

  #mustBeOpen(): void {
    if (this.signalingState === "closed") throw new DOMException("It is closed.", "InvalidStateError")
  }

  /** W3C, "chain an operation": one after the other; once it is closed, nothing settles any more. */
  #operation(act: () => void): Promise<void> {
    if (this.signalingState === "closed")
      return Promise.reject(new DOMException("It is closed.", "InvalidStateError"))
    this.#chained++
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const over = Promise.withResolvers<void>()
    const run = () => {
      if (this.signalingState === "closed") return
      try {
        act()
        resolve()
      } catch (error) {
        reject(error)
      }
      this.#chained--
      over.resolve()
      this.#updateNegotiationNeeded()
    }
    this.#chain = this.#chain.then(() => {
      this.#schedule.after(OPERATION, run)
      return over.promise
    })
    return promise
  }

  #offer(): void {
    for (const each of this.#transceivers) each.mid ??= String(this.#nextMid++)
    this.pendingLocalDescription = { type: "offer", sdp: this.#describe(each => each.direction) }
    this.#needed = false
    this.#signalingState("have-local-offer")
  }

  #answer(): void {
    const sdp = this.#describe(each =>
      directionOf(
        sends(each.direction) && receives(each.offered),
        receives(each.direction) && sends(each.offered),
      ),
    )
    this.#agree({ type: "answer", sdp }, this.pendingRemoteDescription)
  }

  #describe(direction: (transceiver: FakeTransceiver) => Direction): string {
    const remote = this.remoteDescription && read(this.remoteDescription.sdp!).ufrag
    const known = this.currentRemoteDescription && read(this.currentRemoteDescription.sdp!).ufrag
    // An answer to an offer that restarts ICE brings credentials of its own (RFC 8839 §5.4).
    if (this.#restart || this.#ufrag === 0 || (known !== null && remote !== known)) this.#gather()
    this.#restart = false
    const sections = this.#transceivers.map(each => ({
      mid: each.mid!,
      kind: each.receiver.track.kind,
      direction: direction(each),
    }))
    const [own] = this.#configuration.certificates ?? []
    const certificate =
      own === undefined ? `of-connection-${this.#id}` : (own as unknown as FakeCertificate).name
    return write({ connection: this.#id, certificate, ufrag: this.#fragment, sections })
  }

  get #fragment(): string {
    return `c${this.#id}u${this.#ufrag}`
  }

  #gather(): void {
    this.#ufrag++
    this.gatheredWith.push(this.#configuration.iceServers ?? [])
    const usernameFragment = this.#fragment
    const tell = (candidate: string) =>
      this.onicecandidate?.({ candidate: { candidate, sdpMid: "0", sdpMLineIndex: 0, usernameFragment } })
    this.#schedule.after(OPERATION, () => {
      if (this.signalingState === "closed") return
      this.iceGatheringState = "gathering"
      this.onicegatheringstatechange?.()
      tell(`candidate:1 1 udp 2122260223 192.0.2.${this.#id} 5000 typ host`)
      tell("")
      this.iceGatheringState = "complete"
      this.onicegatheringstatechange?.()
    })
  }

  #agree(local: RTCSessionDescriptionInit | null, remote: RTCSessionDescriptionInit | null): void {
    this.currentLocalDescription = local
    this.currentRemoteDescription = remote
    this.pendingLocalDescription = null
    this.pendingRemoteDescription = null
    for (const each of this.#transceivers) {
      if (each.mid === null) continue
      each.currentDirection = directionOf(
        sends(each.direction) && receives(each.offered),
        receives(each.direction) && sends(each.offered),
      )
    }
    this.#signalingState("stable")
  }

  #rollback(): void {
    this.pendingLocalDescription = null
    for (const each of this.#transceivers) if (each.currentDirection === null) each.mid = null
  }

  #associate(sections: readonly Section[]): void {
    for (const { mid, kind, direction } of sections) {
      const fits = (each: FakeTransceiver) => each.mid === null && each.receiver.track.kind === kind
      let transceiver = this.#transceivers.find(each => each.mid === mid) ?? this.#transceivers.find(fits)
      if (transceiver === undefined) {
        transceiver = new FakeTransceiver(kind, "recvonly", null)
        this.#transceivers.push(transceiver)
      }
      transceiver.mid = mid
      transceiver.offered = direction
      this.#nextMid = Math.max(this.#nextMid, Number(mid) + 1)
    }
  }

  #signalingState(state: RTCSignalingState): void {
    this.signalingState = state
    this.onsignalingstatechange?.()
  }

  #updateNegotiationNeeded(): void {
    if (this.#needed || !this.#isNegotiationNeeded()) return
    if (this.signalingState !== "stable" || this.#chained > 0) return
    this.#needed = true
    this.#schedule.after(0, () => {
      const still = this.signalingState === "stable" && this.#chained === 0 && this.#isNegotiationNeeded()
      if (still) this.onnegotiationneeded?.()
      else this.#needed = false
    })
  }

  #isNegotiationNeeded(): boolean {
    return (
      this.#restart ||
      (this.channels.size > 0 && this.localDescription === null) ||
      this.#transceivers.some(
        ({ mid, direction, currentDirection, offered }) =>
          mid === null || (receives(offered) && sends(direction) !== sends(currentDirection)),
      )
    )
  }
}
