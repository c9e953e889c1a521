import type { Clock, Transport, TransportHandlers } from "./environment.ts"
import { TightbeamError } from "./errors.ts"
import {
  type ClientMessage,
  type ErrorCode,
  type IceServer,
  type Lobby,
  type Participant,
  type Peer,
  PROTOCOL_VERSION,
  type ServerMessage,
} from "./messages.ts"
import { Inbox, type Numbering, Outbox } from "./numbering.ts"

/** A room as the server last described it. */
export interface View {
  readonly self: Participant
  /** In the order they joined. */
  readonly peers: ReadonlyMap<string, Peer>
  /** Number of the last change that this view includes. */
  readonly seq: number
}

export interface SessionEvents {
  /** We are in, with all of the room anew: `fresh` when we are a new participant to the others. */
  welcomed(view: View, fresh: boolean): void
  /** We are back, and nothing was missed. */
  resumed(): void
  changed(view: View, change: "joined" | "updated" | "left", peer: Peer): void
  /** The room is locked; a host was asked. There is no view meanwhile. */
  waiting(): void
  /** `lobby`, or we ourselves in the view, are others now. */
  changedSelf(): void
  signal(message: Extract<ServerMessage, { type: "signal" }>): void
  /** The socket broke; the next try is at `retryAt` on the clock. */
  reconnecting(retryAt: number, reason: TightbeamError): void
  /** The server did not do what we asked for; all else goes on. */
  refused(reason: TightbeamError): void
  /** It is over and will not be tried again. */
  ended(reason: TightbeamError): void
}

export interface SessionOptions {
  readonly room: string
  readonly name: () => string
  readonly token: (room: string) => string | Promise<string>
  readonly connect: (handlers: TransportHandlers) => Transport
  readonly clock: Clock
  readonly events: SessionEvents
}

/** Waits before each try to reconnect, ms; the last one repeats. Each is spread by ±30 %, against stampedes. */
const BACKOFF = [200, 500, 1000, 2000, 4000, 8000]

/** How often the socket is asked whether it lives, and how long it may take to answer, ms. */
const PING_INTERVAL = 10_000

/** How long it may take to answer once there is reason to doubt it, ms. */
const PROBE = 2000

/** How long the server may take from the socket's opening to `joined`, ms. */
const JOIN_TIMEOUT = 15_000

/** Codes after which trying again cannot help. Token trouble is final too: a fresh token was fetched for the try. */
const FINAL: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "unsupported-version",
  "token-invalid",
  "token-expired",
  "token-foreign",
  "token-used",
  "room-full",
  "server-full",
  "replaced",
  "not-admitted",
  "kicked",
])

/**
 * One participant's signaling, over as many sockets as it takes: joins, keeps the view of the room, notices
 * a dead socket, comes back as the same participant while the server waits, else as a new one.
 */
export class Session {
  readonly #options: SessionOptions
  #transport: Transport | undefined
  /** Rises with each transport, so that what an old one still says is not heard. */
  #epoch = 0
  #view: View | undefined
  #lobby: Lobby | undefined
  #key: string | undefined
  #iceServers: readonly IceServer[] = []
  #ready = false
  /** The server answered: it is pinged, and all that it says is a sign of life. */
  #answered = false
  #over = false
  #failures = 0
  #outbox = new Outbox()
  #inbox = new Inbox()
  #cancelRetry: () => void = () => {}
  #cancelDeadline: () => void = () => {}
  #cancelPing: () => void = () => {}
  #cancelRefresh: () => void = () => {}
  #lastReason: TightbeamError | undefined

  constructor(options: SessionOptions) {
    this.#options = options
  }

  get view(): View | undefined {
    return this.#view
  }

  /** The waiting room, as long as we are a host. */
  get lobby(): Lobby | undefined {
    return this.#lobby
  }

  /** As last given by the server; their credentials are renewed before they expire. */
  get iceServers(): readonly IceServer[] {
    return this.#iceServers
  }

  start(): void {
    this.#open()
  }

  /** Says something to the room: now, or once the socket is back; once, whatever breaks meanwhile. */
  send(message: ClientMessage): void {
    // Before the first welcome there is nobody to tell; what matters then is told on joining.
    if (this.#over || this.#key === undefined) return
    const text = this.#outbox.add(JSON.stringify(message), this.#inbox.ack())
    if (this.#ready) this.#transport!.send(text)
  }

  /** Leaves for good. */
  leave(): void {
    if (this.#ready) this.#say({ type: "leave" })
    this.#stop()
  }

  /** Does not wait for the backoff, nor for a socket that may have died: the network changed, or a person asked. */
  retryNow(): void {
    if (this.#over) return
    if (this.#transport === undefined) this.#open()
    else if (this.#answered) this.#probe(PROBE)
  }

  #open(): void {
    this.#cancelRetry()
    const epoch = ++this.#epoch
    const current = () => epoch === this.#epoch
    this.#deadline(JOIN_TIMEOUT)
    try {
      this.#transport = this.#options.connect({
        opened: () => {
          if (current()) void this.#introduce(current)
        },
        message: text => {
          if (current()) this.#receive(text)
        },
        closed: () => {
          if (current()) this.#lost()
        },
      })
    } catch (cause) {
      // It does not depend on the network, so trying again cannot help.
      this.#fail(cause instanceof TightbeamError ? cause : unreachable(false, { cause }))
    }
  }

  async #introduce(current: () => boolean): Promise<void> {
    const { room, name, token } = this.#options
    if (this.#key !== undefined && !this.#outbox.overflowed) {
      const { received } = this.#inbox
      this.#say({ type: "rejoin", version: PROTOCOL_VERSION, room, session: this.#key, received })
      return
    }
    this.#key = undefined
    let fetched: string
    try {
      const given = token(room)
      // One that is at hand is said in this turn: a simulated clock waits for no promise.
      fetched = typeof given === "string" ? given : await given
    } catch (cause) {
      if (!current()) return
      if (cause instanceof TightbeamError) this.#fail(cause)
      else
        this.#fail(
          new TightbeamError(
            "token-failed",
            "No token could be had for this room.",
            "Check what the `token` function does.",
            { cause },
          ),
        )
      return
    }
    if (current()) this.#say({ type: "join", version: PROTOCOL_VERSION, room, token: fetched, name: name() })
  }

  /** Says what belongs to this socket alone, and is not said again on another. */
  #say(message: ClientMessage): void {
    this.#transport?.send(JSON.stringify(this.#ready ? { ...message, ack: this.#inbox.ack() } : message))
  }

  #receive(text: string): void {
    const message = parse(text)
    // A proxy's page or a broken server: the same as no answer.
    if (message === undefined) return this.#lost()
    if (this.#answered) this.#cancelDeadline()
    if (message.ack !== undefined) this.#outbox.acknowledge(message.ack)
    if (message.n !== undefined) {
      const place = this.#inbox.accept(message.n)
      if (place === "duplicate") return
      if (place === "gap") return this.#lost()
      if (this.#inbox.owesAck) this.#say({ type: "ack" })
    }
    switch (message.type) {
      case "joined":
        return this.#welcome(message)
      case "waiting":
        return this.#wait()
      case "resumed":
        return this.#resume()
      case "participant":
        return this.#change(message)
      case "lobby": {
        const { locked, waiting } = message
        this.#lobby = { locked, waiting }
        return this.#options.events.changedSelf()
      }
      case "signal":
        return this.#options.events.signal(message)
      case "ice-servers":
        return this.#keepIceServers(message)
      case "closing":
        // The server is going: leave its socket ourselves, spread out, and find its successor.
        return this.#lost(message.reconnectIn)
      case "error":
        return this.#refused(message)
      default:
    }
  }

  #welcome(message: Extract<ServerMessage, { type: "joined" }>): void {
    const fresh = this.#view?.self.id !== message.self.id
    this.#key = message.session
    this.#outbox = new Outbox()
    this.#inbox = new Inbox()
    this.#ready = true
    this.#lobby = undefined
    this.#view = {
      self: message.self,
      peers: new Map(message.participants.map(peer => [peer.id, peer])),
      seq: message.seq,
    }
    this.#keepIceServers(message)
    this.#keepAlive()
    this.#options.events.welcomed(this.#view, fresh)
  }

  #wait(): void {
    this.#view = undefined
    this.#lobby = undefined
    this.#keepAlive()
    this.#options.events.waiting()
  }

  #resume(): void {
    this.#ready = true
    for (const text of this.#outbox.unacknowledged()) this.#transport!.send(text)
    this.#keepAlive()
    this.#options.events.resumed()
  }

  #change(message: Extract<ServerMessage, { type: "participant" }>): void {
    const view = this.#view
    if (view === undefined || !this.#ready) return
    // A gap cannot be, on one socket. If it is, what we hold is wrong: take the room anew.
    if (message.seq !== view.seq + 1) return this.#lost()
    const peers = new Map(view.peers)
    const { seq } = message
    if (message.change === "left") {
      const peer = peers.get(message.participant.id)
      peers.delete(message.participant.id)
      this.#view = { self: view.self, peers, seq }
      if (peer !== undefined) this.#options.events.changed(this.#view, "left", peer)
    } else if (message.participant.id === view.self.id) {
      const { role: _, ...self } = message.participant
      this.#view = { self, peers, seq }
      this.#options.events.changedSelf()
    } else {
      peers.set(message.participant.id, message.participant)
      this.#view = { self: view.self, peers, seq }
      this.#options.events.changed(this.#view, message.change, message.participant)
    }
  }

  #refused({ code, message, hint, fatal }: Extract<ServerMessage, { type: "error" }>): void {
    const error = new TightbeamError(code, message, hint)
    if (code === "session-unknown") {
      // The server no longer knows us: come as a new participant, with a new token, on a new socket.
      this.#key = undefined
      this.#lastReason = error
      this.#lost(0)
    } else if (FINAL.has(code)) this.#fail(error)
    else if (fatal) {
      this.#lastReason = error
      this.#lost()
    } else this.#options.events.refused(error)
  }

  #keepIceServers({ iceServers, ttl }: { iceServers: readonly IceServer[]; ttl: number }): void {
    this.#iceServers = iceServers
    this.#cancelRefresh()
    // At three quarters of their life, so that an ICE restart never meets expired ones.
    this.#cancelRefresh = this.#options.clock.after(ttl * 750, () => this.send({ type: "refresh" }))
  }

  /** The server answered. Pings for as long as the socket lives, busy or not: the server must hear from us too. */
  #keepAlive(): void {
    this.#answered = true
    this.#failures = 0
    this.#cancelDeadline()
    this.#ping()
  }

  #ping(): void {
    this.#cancelPing()
    this.#cancelPing = this.#options.clock.after(PING_INTERVAL, () => {
      this.#probe(PING_INTERVAL)
      this.#ping()
    })
  }

  /** Asks the socket whether it lives. */
  #probe(patience: number): void {
    this.#say({ type: "ping", id: this.#epoch })
    this.#deadline(patience)
  }

  #deadline(ms: number): void {
    this.#cancelDeadline()
    this.#cancelDeadline = this.#options.clock.after(ms, () => this.#lost())
  }

  /** Gives this socket up, broken or not, and tries another after `wait` ms, or after the backoff. */
  #lost(wait?: number): void {
    this.#release()
    if (this.#over) return
    const { clock, events } = this.#options
    const backoff = BACKOFF[Math.min(this.#failures++, BACKOFF.length - 1)]!
    const delay = wait ?? backoff
    const spread = delay * (0.7 + 0.6 * clock.random())
    const reason = this.#lastReason ?? unreachable(this.#view !== undefined)
    this.#lastReason = undefined
    this.#cancelRetry = clock.after(spread, () => this.#open())
    events.reconnecting(clock.now() + spread, reason)
  }

  #fail(reason: TightbeamError): void {
    if (this.#over) return
    this.#stop()
    this.#options.events.ended(reason)
  }

  #stop(): void {
    this.#over = true
    this.#release()
    this.#cancelRetry()
    this.#cancelRefresh()
  }

  #release(): void {
    this.#epoch++
    this.#ready = false
    this.#answered = false
    this.#cancelDeadline()
    this.#cancelPing()
    const transport = this.#transport
    this.#transport = undefined
    transport?.close()
  }
}

function parse(text: string): (ServerMessage & Numbering) | undefined {
  try {
    const parsed: unknown = JSON.parse(text)
    return typeof parsed === "object" && parsed !== null && "type" in parsed
      ? (parsed as ServerMessage & Numbering)
      : undefined
  } catch {
    return undefined
  }
}

function unreachable(wasConnected: boolean, options?: ErrorOptions): TightbeamError {
  return wasConnected
    ? new TightbeamError(
        "connection-lost",
        "The connection to the server broke.",
        "It is tried again by itself; check your network if it lasts.",
      )
    : new TightbeamError(
        "server-unreachable",
        "The server cannot be reached.",
        "Check the address and your network.",
        options,
      )
}
