import { decodeMessage, encodeMessage } from "./data-message.ts"
import { Deliveries } from "./delivery.ts"
import { Emitter } from "./emitter.ts"
import { type Clock, realClock, type Transport, type TransportHandlers } from "./environment.ts"
import { TightbeamError } from "./errors.ts"
import { loadPublishing } from "./load-publishing.ts"
import type { LocalPublication } from "./local-publication.ts"
import type { Peer, Source } from "./messages.ts"
import { PeerLink } from "./peer-link.ts"
import { aborted, left, noSuchParticipant, notSupported } from "./room-errors.ts"
import { Session, type View } from "./session.ts"
import { signalingTransport } from "./signaling-transport.ts"
import type { RemoteParticipant, RemotePublication, RoomSnapshot, RoomState } from "./snapshot.ts"

export interface RoomOptions {
  /** The server: `https://calls.example`. Default: where the page came from. */
  readonly url?: string
  /** A join token, or how to fetch a fresh one. It is asked for at each join, so a function is what lasts. */
  readonly token: string | ((room: string) => string | Promise<string>)
  /** `relay` never shows the other side our addresses, and costs the server the traffic. Default `all`. */
  readonly iceTransportPolicy?: RTCIceTransportPolicy
  /** What the others know us by, whatever else changes. Default: made at each join, where the platform can. */
  readonly certificate?: RTCCertificate
  /** How to make a peer connection, where the platform has none or another is wanted. */
  readonly createConnection?: (configuration: RTCConfiguration) => RTCPeerConnection
  readonly connect?: (handlers: TransportHandlers) => Transport
  readonly clock?: Clock
}

export interface RoomEvents {
  participant: { readonly participant: RemoteParticipant; readonly change: "joined" | "updated" | "left" }
  /** A remote track can be shown. It ends by itself (`track.onended` does not tell; `publication.track` turns undefined). */
  track: {
    readonly track: MediaStreamTrack
    readonly publication: RemotePublication
    readonly participant: RemoteParticipant
  }
  state: RoomState
  /**
   * Somebody has come back as a new participant, as after a restart of the server: messages that they missed as
   * `before` reach them now. Known once they can be reached.
   */
  returned: { readonly participant: string; readonly before: string }
  /** The server refused something that was asked for in passing. A publication that it refuses is taken back. */
  error: TightbeamError
  /** `data` comes from another participant: it is a JSON value or bytes of any shape. */
  message: { readonly topic: string; readonly data: unknown; readonly from: string }
  publication: {
    readonly publication: LocalPublication
    readonly change: "published" | "updated" | "unpublished"
  }
}

export interface PublishOptions {
  readonly deviceId?: string | undefined
  /** For a track of your own. Default `custom`. */
  readonly source?: Source
  /** Begins muted. */
  readonly muted?: boolean
}

/** As browsers make them by themselves. */
const CERTIFICATE: EcKeyGenParams = { name: "ECDSA", namedCurve: "P-256" }

/** Tries to reach the server before `join` gives up; after that it is tried for as long as the room is held. */
const JOIN_TRIES = 3

/** A room on a Tightbeam server: who is in it, what they publish, what they say. Survives the connections it uses. */
export class Room {
  readonly #options: RoomOptions
  readonly #clock: Clock
  readonly #emitter = new Emitter<RoomEvents>()
  readonly #subscribers = new Set<() => void>()
  readonly #links = new Map<string, PeerLink>()
  readonly #publications = new Map<string, LocalPublication>()
  /** Arrived tracks: participant → publication → track. */
  readonly #tracks = new Map<string, Map<string, MediaStreamTrack>>()
  #name = ""
  #room = ""
  #session: Session | undefined
  readonly #deliveries: Deliveries
  #said = 0
  #certificate: RTCCertificate | undefined
  /** Rejects the join that is under way; does nothing after. */
  #giveUpJoin: (reason: TightbeamError) => void = () => {}
  /** How often it was left, so that what a browser allows only after that is not published. */
  #leaves = 0
  #state: RoomState = { status: "idle" }
  #signaling: RoomSnapshot["signaling"] = { startedAt: undefined, endedAt: undefined }
  #snapshot: RoomSnapshot | undefined
  #notifying = false
  #announcing = false
  /** Ends what listens to the page. */
  #watching: AbortController | undefined

  constructor(options: RoomOptions) {
    this.#options = options
    this.#clock = options.clock ?? realClock
    this.#deliveries = new Deliveries(this.#clock)
  }

  /** Returns how to stop listening. A listener that throws is reported as uncaught and stops nothing. */
  on<Name extends keyof RoomEvents>(name: Name, listener: (payload: RoomEvents[Name]) => void): () => void {
    return this.#emitter.on(name, listener)
  }

  /** Calls back, once a turn, after anything in the snapshot changed. Fits `useSyncExternalStore`. */
  subscribe(callback: () => void): () => void {
    this.#subscribers.add(callback)
    return () => this.#subscribers.delete(callback)
  }

  /** All of the room at this moment; the same object until something changes. */
  snapshot(): RoomSnapshot {
    this.#snapshot ??= this.#makeSnapshot()
    return this.#snapshot
  }

  /**
   * Enters a room; resolves when the server has let us in, which a host decides where the room is locked
   * (`state.status` is `waiting`). Throws a `TightbeamError`: `server-unreachable`, one of the token codes,
   * `room-full`, `server-full`, `not-admitted`, `aborted`. May be called again after `leave`, or after it threw.
   */
  async join(room: string, { name, signal }: { name: string; signal?: AbortSignal }): Promise<void> {
    if (this.#session !== undefined)
      throw new TightbeamError(
        "already-joined",
        "This Room is in a room already.",
        "Leave it first, or use another Room.",
      )
    if (signal?.aborted) throw aborted(signal.reason)
    this.#name = name
    this.#room = room
    this.#signaling = { startedAt: this.#clock.now(), endedAt: undefined }
    this.#setState({ status: "connecting" })
    const entered = Promise.withResolvers<void>()
    const close = (reason: TightbeamError) => this.#end({ status: "closed", reason })
    const abort = () => close(aborted(signal!.reason))
    const settled = () => {
      signal?.removeEventListener("abort", abort)
      this.#giveUpJoin = () => {}
    }
    signal?.addEventListener("abort", abort)
    this.#giveUpJoin = reason => {
      settled()
      entered.reject(reason)
    }
    let tries = 0
    const certified = this.#certify()
    const { token } = this.#options
    const session = new Session({
      room,
      name: () => this.#name,
      token: async () => {
        await certified
        return typeof token === "string" ? token : token(room)
      },
      clock: this.#clock,
      connect: this.#options.connect ?? signalingTransport(() => this.#url(), this.#clock),
      events: {
        welcomed: (view, fresh) => {
          this.#watchPage()
          this.#welcomed(view, fresh)
          if (this.#session !== session) return
          settled()
          entered.resolve()
        },
        resumed: () => this.#setState({ status: "connected" }),
        changed: (view, change, peer) => this.#changed(view, change, peer),
        waiting: () => {
          // Who has been heard waits as long as it takes, as who is in the room does.
          tries = Number.NEGATIVE_INFINITY
          for (const id of this.#links.keys()) this.#unlink(id)
          this.#setState({ status: "waiting" })
        },
        changedSelf: () => this.#touch(),
        signal: ({ from, generation, signal }) => this.#links.get(from)?.receive(signal, generation),
        reconnecting: (retryAt, reason) => {
          if (session.view === undefined && ++tries >= JOIN_TRIES) close(reason)
          else this.#setState({ status: session.view ? "reconnecting" : "connecting", retryAt, reason })
        },
        refused: error => this.#refused(error),
        ended: close,
      },
    })
    this.#session = session
    session.start()
    await entered.promise
  }

  /** Leaves and ends what was published. A room that is closed already keeps its reason. */
  async leave(): Promise<void> {
    this.#leaves++
    if (this.#state.status !== "closed") this.#end({ status: "idle" })
    for (const publication of this.#publications.values()) await publication.unpublish()
  }

  /** Shows the others another name. */
  async rename(name: string): Promise<void> {
    this.#name = name
    this.#session?.send({ type: "rename", name })
    this.#touch()
  }

  /** Raises our hand for all to see, or takes it down. */
  raiseHand(raised: boolean): void {
    this.#session?.send({ type: "hand", raised })
  }

  /** Of hosts: whoever joins a locked room waits in `snapshot().lobby`. Opening it lets in all who wait. */
  lock(locked: boolean): void {
    this.#session?.send({ type: "lock", locked })
  }

  /** Of hosts: lets in one who waits. */
  admit(id: string): void {
    this.#session?.send({ type: "admit", participant: id, admit: true })
  }

  /** Of hosts: turns away one who waits. */
  deny(id: string): void {
    this.#session?.send({ type: "admit", participant: id, admit: false })
  }

  /** Of hosts: sends a participant out. Where they can have another token they can come back, but not past a lock. */
  kick(id: string): void {
    this.#session?.send({ type: "kick", participant: id })
  }

  /** Tries to reconnect now instead of at `state.retryAt`. */
  retryNow(): void {
    this.#session?.retryNow()
  }

  /**
   * Sends a camera, a microphone, a screen or a track of your own to the room, now and after every reconnect.
   * May be called before `join`. A screen's sound becomes a publication of its own. Throws a `TightbeamError`.
   */
  async publish(
    what: "camera" | "microphone" | "screen" | MediaStreamTrack,
    options: PublishOptions = {},
  ): Promise<LocalPublication> {
    const leaves = this.#leaves
    const { publish } = await loadPublishing()
    return publish(what, options, {
      newId: source => `${source}-${Math.floor(this.#clock.random() * 2 ** 48).toString(36)}`,
      left: () => (leaves === this.#leaves ? undefined : left()),
      changed: (publication, change) => this.#publicationChanged(publication, change),
    })
  }

  /** What we publish under an id of the snapshot, to mute, switch or end it. */
  publication(id: string): LocalPublication | undefined {
    return this.#publications.get(id)
  }

  /**
   * Sends a JSON value or bytes to everybody, or to one (`to`). Resolves when all of it is handed to the network
   * with room for more, so awaiting each send is the back-pressure. It arrives once and in order, also over
   * connections that break, and at those who come back as another participant within two minutes. What goes to
   * everybody waits for none whose connection has failed: they get it once it mends, 16 MiB at most.
   * `reliable: false` may lose and reorder.
   * Throws a `TightbeamError`: `message-too-large`, `send-queue-full`, `no-such-participant`.
   */
  async send(
    topic: string,
    data: unknown,
    { to, reliable = true }: { to?: string; reliable?: boolean } = {},
  ): Promise<void> {
    if (this.#session?.view === undefined)
      throw new TightbeamError("not-joined", "Nobody can be told yet.", "Join a room first.")
    const encoded = encodeMessage({ topic, data })
    const links = to === undefined ? [...this.#links.values()] : [this.#linkTo(to)]
    const size = typeof encoded === "string" ? new TextEncoder().encode(encoded).length : encoded.length
    const limit = Math.min(...links.map(link => link.maxMessageSize))
    if (size > limit)
      throw new TightbeamError(
        "message-too-large",
        `A message may have ${limit} bytes here; this has ${size}.`,
        "Send it in parts.",
      )
    const channel = reliable ? "reliable" : "fast"
    const message = { data: encoded, order: this.#said++ }
    if (to === undefined && reliable)
      for (const { outgoing } of this.#deliveries.expected) if (!outgoing.full) outgoing.keep(message)
    const outcomes = await Promise.allSettled(
      links.map(link => (to === undefined ? link.sendAlong(channel, message) : link.send(channel, message))),
    )
    for (const outcome of outcomes)
      if (outcome.status === "rejected" && outcome.reason instanceof TightbeamError) throw outcome.reason
    // Who leaves meanwhile needs it no more; for a single receiver that is an error.
    if (to !== undefined && outcomes[0]!.status === "rejected") throw noSuchParticipant(to)
  }

  /**
   * Makes a new connection to a participant now, rather than when the next try is due. Throws a `TightbeamError`:
   * `no-such-participant`.
   */
  reconnect(participant: string): void {
    this.#linkTo(participant).reconnect()
  }

  /** The peer connection to a participant, for what the SDK does not offer. It is replaced when a new path is needed. */
  connection(participant: string): RTCPeerConnection | undefined {
    return this.#links.get(participant)?.connection
  }

  #url(): string {
    return this.#options.url ?? globalThis.location.origin
  }

  /** All our connections show one certificate: the others know us by it. Where none can be made, each has its own. */
  async #certify(): Promise<void> {
    this.#certificate =
      this.#options.certificate ??
      (await globalThis.RTCPeerConnection?.generateCertificate(CERTIFICATE).catch(() => undefined))
  }

  #linkTo(participant: string): PeerLink {
    const link = this.#links.get(participant)
    if (link === undefined) throw noSuchParticipant(participant)
    return link
  }

  /** What the server does not list among ours, it did not take. */
  #refused(error: TightbeamError): void {
    this.#emitter.emit("error", error)
    if (error.code !== "not-allowed") return
    const taken = new Set(this.#session?.view?.self.publications.map(({ id }) => id))
    for (const publication of this.#publications.values())
      if (!taken.has(publication.id)) void publication.unpublish()
  }

  #publicationChanged(publication: LocalPublication, change: RoomEvents["publication"]["change"]): void {
    if (change === "published") this.#publications.set(publication.id, publication)
    else if (change === "unpublished") this.#publications.delete(publication.id)
    this.#announce()
    for (const link of this.#links.values()) link.syncTracks()
    this.#touch()
    this.#emitter.emit("publication", { publication, change })
  }

  /** Once a turn, whatever changes in it. */
  #announce(): void {
    if (this.#announcing) return
    this.#announcing = true
    queueMicrotask(() => {
      this.#announcing = false
      const publications = [...this.#publications.values()].map(each => each.describe())
      this.#session?.send({ type: "publish", publications })
    })
  }

  /** A page that is closed says goodbye; one whose network goes or comes looks at once whether the server is still there. */
  #watchPage(): void {
    if (this.#watching !== undefined || typeof globalThis.addEventListener !== "function") return
    const { signal } = (this.#watching = new AbortController())
    const goodbye = () =>
      this.#end({
        status: "closed",
        reason: new TightbeamError("aborted", "The page was left.", "Join again."),
      })
    globalThis.addEventListener("pagehide", goodbye, { signal })
    for (const change of ["online", "offline"])
      globalThis.addEventListener(
        change,
        () => {
          this.retryNow()
          // Where there was no network, there is another now.
          if (change === "online") for (const link of this.#links.values()) link.restartIce()
        },
        { signal },
      )
  }

  #welcomed(view: View, fresh: boolean): void {
    if (this.#signaling.endedAt === undefined)
      this.#signaling = { ...this.#signaling, endedAt: this.#clock.now() }
    if (fresh) {
      for (const id of this.#links.keys()) this.#unlink(id, true)
    }
    // What changed while nobody could be told.
    if (view.self.name !== this.#name.trim()) this.#session?.send({ type: "rename", name: this.#name })
    if (this.#publications.size > 0 || view.self.publications.length > 0) this.#announce()
    for (const id of this.#links.keys()) if (!view.peers.has(id)) this.#unlink(id)
    for (const peer of view.peers.values()) {
      // Linking ends it all where the browser cannot make connections.
      if (this.#session === undefined) return
      const link = this.#links.get(peer.id)
      if (link === undefined) this.#link(peer, this.#signaling.startedAt!)
      else link.resync()
    }
    if (this.#session === undefined) return
    this.#setState({ status: "connected" })
  }

  #changed(view: View, change: "joined" | "updated" | "left", peer: Peer): void {
    const before = this.snapshot().participants.find(each => each.id === peer.id)
    if (change === "joined") this.#link(peer, this.#clock.now())
    const participant = change === "left" ? before : this.#remote(view.peers.get(peer.id)!)
    if (change === "left") this.#unlink(peer.id)
    this.#touch()
    if (participant !== undefined) this.#emitter.emit("participant", { participant, change })
  }

  #link(peer: Peer, since: number): void {
    const { id, role } = peer
    const {
      createConnection = configuration => new RTCPeerConnection(configuration),
      iceTransportPolicy = "all",
    } = this.#options
    const link = new PeerLink({
      peer: id,
      peerName: () => this.#session?.view?.peers.get(id)?.name ?? peer.name,
      role,
      clock: this.#clock,
      createConnection,
      notSupported: cause => this.#end({ status: "closed", reason: notSupported(cause) }),
      iceServers: () => this.#session?.iceServers ?? [],
      iceTransportPolicy,
      certificate: this.#certificate,
      deliveries: this.#deliveries,
      tracks: () =>
        [...this.#publications.values()].map(({ id, sent, stream }) => ({
          publication: id,
          track: sent,
          stream,
        })),
      signal: (signal, generation) => this.#session?.send({ type: "signal", to: id, generation, signal }),
      onTrack: (publication, track) => this.#trackChanged(id, publication, track),
      onMessage: received => {
        const message = decodeMessage(received)
        if (message !== undefined) this.#emitter.emit("message", { ...message, from: id })
      },
      onReturned: before => this.#emitter.emit("returned", { participant: id, before }),
      onChange: () => this.#touch(),
    })
    this.#links.set(id, link)
    link.recorder.begin("signaling", "the room", since)
    link.recorder.event(
      "signaling",
      "joined",
      role === "polite" ? "We joined the room." : `${peer.name} joined the room.`,
    )
    link.recorder.done("signaling", "both are in the room")
    link.start()
  }

  #unlink(id: string, expected = false): void {
    this.#links.get(id)?.close(expected)
    this.#links.delete(id)
    this.#tracks.delete(id)
  }

  #trackChanged(participant: string, publication: string, track: MediaStreamTrack | undefined): void {
    const tracks = this.#tracks.get(participant) ?? new Map<string, MediaStreamTrack>()
    this.#tracks.set(participant, tracks)
    if (track === undefined) tracks.delete(publication)
    else tracks.set(publication, track)
    this.#touch()
    const remote = this.snapshot().participants.find(each => each.id === participant)
    const described = remote?.publications.find(each => each.id === publication)
    if (remote !== undefined && described !== undefined && track !== undefined)
      this.#emitter.emit("track", { track, publication: described, participant: remote })
  }

  #end(state: RoomState): void {
    this.#watching?.abort()
    this.#watching = undefined
    for (const id of this.#links.keys()) this.#unlink(id)
    this.#deliveries.clear()
    this.#session?.leave()
    this.#session = undefined
    this.#setState(state)
    this.#giveUpJoin(state.reason ?? left())
  }

  #setState(state: RoomState): void {
    this.#state = state
    this.#touch()
    this.#emitter.emit("state", state)
  }

  #remote({ id, name, away, host, hand, publications }: Peer): RemoteParticipant {
    const tracks = this.#tracks.get(id)
    const remotePublications: RemotePublication[] = []
    for (const { id: publication, kind, source, muted } of publications)
      remotePublications.push({
        id: publication,
        kind,
        source,
        muted,
        participant: id,
        track: tracks?.get(publication),
      })
    return {
      id,
      name,
      away,
      host,
      hand,
      publications: remotePublications,
      timeline: this.#links.get(id)!.recorder.timeline(),
    }
  }

  #makeSnapshot(): RoomSnapshot {
    const view = this.#session?.view
    const peers = [...(view?.peers.values() ?? [])].filter(peer => this.#links.has(peer.id))
    return {
      state: this.#state,
      room: this.#room,
      self: view && { id: view.self.id, name: this.#name, host: view.self.host, hand: view.self.hand },
      lobby: this.#session?.lobby,
      publications: [...this.#publications.values()].map(each => each.view()),
      participants: peers.map(peer => this.#remote(peer)),
      signaling: this.#signaling,
    }
  }

  #touch(): void {
    this.#snapshot = undefined
    if (this.#notifying) return
    this.#notifying = true
    queueMicrotask(() => {
      this.#notifying = false
      for (const callback of this.#subscribers) callback()
    })
  }
}
