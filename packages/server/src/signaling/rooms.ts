import { type ClientMessage, Inbox, Outbox, PROTOCOL_VERSION, type ServerMessage } from "@tightbeam/client"
import type { Datagram, Machine, Path } from "@tightbeam/webrtc/contract"
import type { Crypto } from "@tightbeam/webrtc/crypto"
import type { z } from "zod"
import { type AddressTable, TokenBucket } from "../limits/index.ts"
import type { Grants, RoomsReply, RoomsRequest } from "./ask.ts"
import { ExpiringSet } from "./expiring-set.ts"
import type { PassedSignal } from "./frequent.ts"
import { DEFAULT_LIMITS, type SignalingLimits } from "./limits.ts"
import { type Change, type DismissalCode, Room, type RoomEvent } from "./room.ts"
import { clientMessageSchema, type Heard, parseClientMessage } from "./schema.ts"
import { type Connection, type Session, whatIsTooMany } from "./session.ts"
import { type Source, sources } from "./source.ts"
import { client, close, count, type RoomsOut, refuse, send, sendText, tell, tellText } from "./speech.ts"

export interface RoomsOptions {
  readonly crypto: Crypto
  /** The ICE servers for a participant, with fresh credentials; `ttl` in seconds. */
  readonly iceServers: (
    room: string,
    participant: string,
  ) => Pick<Extract<ServerMessage, { type: "ice-servers" }>, "iceServers" | "ttl">
  /** Nobody needs a token that makes a host: the one longest in the room is one. Default: false. */
  readonly open?: boolean
  readonly limits?: Partial<SignalingLimits>
}

/** A room, and those of its sessions that are of this process. */
interface Held {
  readonly room: Room
  readonly sessions: Map<string, Session>
}

interface Attempt {
  readonly connection: Connection
  readonly room: string
  readonly name: string
}

const ID_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

/** Why somebody has left whose grace period ended. */
const LAPSED = "did not return"

/** How often deadlines are looked at, ms. */
const SWEEP = 1000

/**
 * Signaling: who is in which room, and what they say to each other. A machine on connections that carry
 * whole messages. It holds no truth of its own about a room: it publishes what its participants do, and
 * changes its rooms only by what the bus delivers, in the bus's order.
 */
export class Rooms implements Machine<never, RoomsRequest, RoomsReply> {
  nextTick: number = Number.POSITIVE_INFINITY
  readonly #crypto: Crypto
  readonly #iceServers: RoomsOptions["iceServers"]
  readonly #open: boolean
  readonly #limits: SignalingLimits
  readonly #schema: z.ZodType<ClientMessage>
  readonly #sources: AddressTable<Source>
  readonly #connections = new Map<Path, Connection>()
  readonly #attempts = new Map<number, Attempt>()
  readonly #sessions = new Map<string, Session>()
  readonly #rooms = new Map<string, Held>()
  readonly #usedTokens: ExpiringSet
  readonly #kickedSessions: ExpiringSet
  #nextAttempt = 0
  #draining: number | undefined
  readonly #decoder = new TextDecoder()

  constructor({ crypto, iceServers, open = false, limits = {} }: RoomsOptions) {
    this.#crypto = crypto
    this.#iceServers = iceServers
    this.#open = open
    this.#limits = { ...DEFAULT_LIMITS, ...limits }
    this.#sources = sources(this.#limits)
    this.#usedTokens = new ExpiringSet(this.#limits.usedTokens)
    this.#kickedSessions = new ExpiringSet(this.#limits.kickedSessions)
    this.#schema = clientMessageSchema(this.#limits.publications)
  }

  counters(): { connections: number; participants: number; rooms: number } {
    return { connections: this.#connections.size, participants: this.#sessions.size, rooms: this.#rooms.size }
  }

  /** A connection opened. Its driver holds the path until `closed`. */
  opened(path: Path, now: number, out: RoomsOut): void {
    const source = this.#sources.of(out.paths.remote(path).ip, now)
    const connection: Connection = {
      path,
      source,
      openedAt: now,
      heardAt: now,
      messages: new TokenBucket(this.#limits.messagesPerSecond, this.#limits.messageBurst, now),
      attempt: undefined,
      session: undefined,
      closing: false,
    }
    this.#connections.set(path, connection)
    this.#scheduleSweep(now)
    if (++source.connections > this.#limits.connectionsPerAddress)
      refuse(connection, "too-many", out, {
        fatal: true,
        message: "Your network has too many connections here already.",
      })
  }

  /** A connection is gone, whoever ended it. */
  closed(path: Path, now: number, out: RoomsOut): void {
    const connection = this.#connections.get(path)
    if (connection === undefined) return
    this.#connections.delete(path)
    connection.source.connections--
    if (connection.attempt !== undefined) this.#attempts.delete(connection.attempt)
    const { session } = connection
    if (session?.connection === connection) this.#detach(session, "socket closed", now, out)
  }

  /** Tells everybody to come back in `reconnectIn` ms, and lets nobody in any more. */
  drain(reconnectIn: number, out: RoomsOut): void {
    this.#draining = reconnectIn
    for (const { path } of this.#connections.values()) send(path, { type: "closing", reconnectIn }, out)
  }

  receive(d: Datagram, now: number, out: RoomsOut): void {
    const connection = this.#connections.get(d.path)
    if (connection === undefined || connection.closing) return
    connection.heardAt = now
    if (d.length > this.#limits.messageBytes) {
      const limit = `A message may have ${this.#limits.messageBytes} bytes; this has ${d.length}.`
      return refuse(connection, "too-large", out, { fatal: true, message: limit })
    }
    const excess = whatIsTooMany(connection, now)
    if (excess !== undefined) return refuse(connection, "too-many", out, { fatal: true, message: excess })
    const text = this.#decoder.decode(d.bytes.subarray(d.offset, d.offset + d.length))
    const parsed = parseClientMessage(this.#schema, text)
    const fatal = connection.session === undefined
    if (!count(connection, parsed.numbering, out)) return
    if ("problem" in parsed) refuse(connection, "bad-message", out, { fatal, message: parsed.problem })
    else this.#handle(connection, parsed.message, out)
  }

  reply(answer: RoomsReply, now: number, out: RoomsOut): void {
    if (answer.type === "delivered") return this.#delivered(answer.room, answer.event, now, out)
    const attempt = this.#attempts.get(answer.attempt)
    if (attempt === undefined) return
    this.#attempts.delete(answer.attempt)
    const { connection } = attempt
    connection.attempt = undefined
    if (answer.type === "refused") return refuse(connection, answer.code, out, { fatal: true })
    this.#enter(attempt, answer, now, out)
  }

  tick(now: number, out: RoomsOut): void {
    this.nextTick = Number.POSITIVE_INFINITY
    const { joinDeadline, idle, grace } = this.#limits
    for (const connection of this.#connections.values()) {
      if (connection.closing) continue
      if (connection.session === undefined && now - connection.openedAt >= joinDeadline)
        refuse(connection, "not-joined", out, { fatal: true })
      else if (now - connection.heardAt >= idle) close(connection, "idle", out)
    }
    for (const session of this.#sessions.values()) {
      if (session.connection === undefined && now - session.awaySince >= grace)
        this.#end(session, LAPSED, out)
    }
    this.#usedTokens.forgetExpired(now)
    this.#kickedSessions.forgetExpired(now)
    this.#scheduleSweep(now)
  }

  #handle(connection: Connection, message: Heard, out: RoomsOut): void {
    if (message.type === "join" || message.type === "rejoin") {
      const busy = connection.session !== undefined || connection.attempt !== undefined
      if (busy) refuse(connection, "already-joined", out)
      else if (message.version !== PROTOCOL_VERSION)
        refuse(connection, "unsupported-version", out, { fatal: true })
      else if (message.type === "join") this.#join(connection, message, out)
      else this.#rejoin(connection, message, out)
      return
    }
    const { session } = connection
    if (message.type === "ping") return send(connection.path, { type: "pong", id: message.id }, out, session)
    if (session === undefined) return refuse(connection, "not-joined", out)
    if (message.type === "leave") {
      this.#end(session, "left", out)
      return close(connection, "left", out)
    }
    if (!session.present) return refuse(connection, "not-joined", out)
    const { room, participant: id } = session
    switch (message.type) {
      case "signal":
        return this.#relay(connection, session, message, out)
      case "publish":
        if (!session.grants.publish && message.publications.length > 0)
          return refuse(connection, "not-allowed", out, {
            message: "Your token does not allow you to publish.",
          })
        return out.ask({
          type: "publish",
          room,
          event: { type: "update", id, publications: message.publications },
        })
      case "rename":
        return out.ask({ type: "publish", room, event: { type: "update", id, name: message.name } })
      case "hand":
        return out.ask({ type: "publish", room, event: { type: "update", id, hand: message.raised } })
      case "lock":
      case "admit":
      case "kick":
        return this.#govern(connection, session, message, out)
      case "refresh":
        return tell(session, { type: "ice-servers", ...this.#iceServers(room, id) }, out)
      case "ack":
        return
      default:
        return message satisfies never
    }
  }

  #join(
    connection: Connection,
    { room, token, name }: Extract<ClientMessage, { type: "join" }>,
    out: RoomsOut,
  ): void {
    if (this.#draining !== undefined) return refuse(connection, "closing", out, { fatal: true })
    const attempt = this.#nextAttempt++
    connection.attempt = attempt
    this.#attempts.set(attempt, { connection, room, name })
    out.ask({ type: "authorize", attempt, token, room })
  }

  #enter(
    attempt: Attempt,
    token: Extract<RoomsReply, { type: "authorized" }>,
    now: number,
    out: RoomsOut,
  ): void {
    const { connection, room, name } = attempt
    // Much may have happened while the token was verified.
    if (connection.closing) return
    if (this.#draining !== undefined) return refuse(connection, "closing", out, { fatal: true })
    if (this.#usedTokens.has(token.tokenId)) return refuse(connection, "token-used", out, { fatal: true })
    const existing = this.#rooms.get(room)
    if (this.#usedTokens.isFull || (existing === undefined && this.#rooms.size >= this.#limits.rooms))
      return refuse(connection, "server-full", out, { fatal: true })
    if (existing !== undefined && this.#isFull(existing, token.grants))
      return refuse(connection, "room-full", out, { fatal: true })
    this.#usedTokens.add(token.tokenId, now + token.remaining)
    const session: Session = {
      key: this.#secret(32),
      room,
      participant: `p${this.#secret(11)}`,
      grants: token.grants,
      tokenId: token.tokenId,
      connection,
      awaySince: 0,
      outbox: this.#newOutbox(),
      inbox: new Inbox(),
      present: false,
    }
    connection.session = session
    this.#sessions.set(session.key, session)
    const held = existing ?? this.#newRoom()
    held.sessions.set(session.participant, session)
    if (existing === undefined) {
      this.#rooms.set(room, held)
      out.ask({ type: "subscribe", room })
    }
    const { host } = token.grants
    out.ask({ type: "publish", room, event: { type: "join", id: session.participant, name, host } })
  }

  #newRoom(): Held {
    const { participants, waiting } = this.#limits
    return { room: new Room({ participants, waiting, open: this.#open }), sessions: new Map() }
  }

  /** As far as this process knows: the room itself decides when the bus brings the `join`. */
  #isFull({ room, sessions }: Held, { host }: Grants): boolean {
    const { participants, waiting } = this.#limits
    return room.placeFor(host) === "full" || sessions.size >= participants + waiting
  }

  #rejoin(
    connection: Connection,
    { room, session: key, received }: Extract<ClientMessage, { type: "rejoin" }>,
    out: RoomsOut,
  ): void {
    if (this.#draining !== undefined) return refuse(connection, "closing", out, { fatal: true })
    if (this.#kickedSessions.has(key)) return refuse(connection, "kicked", out, { fatal: true })
    const session = this.#sessions.get(key)
    if (session === undefined || session.room !== room || !session.present)
      return refuse(connection, "session-unknown", out, { fatal: true })
    const earlier = session.connection
    session.connection = connection
    connection.session = session
    if (earlier !== undefined) {
      earlier.session = undefined
      refuse(earlier, "replaced", out, { fatal: true })
    }
    out.note({
      layer: "signaling",
      kind: "rejoined",
      room,
      participant: session.participant,
      client: client(connection, out),
    })
    this.#resume(session, connection, received, out)
    if (earlier === undefined)
      out.ask({ type: "publish", room, event: { type: "update", id: session.participant, away: false } })
  }

  /** Says again what was missed, or, where that is no longer kept, how everything is. */
  #resume(session: Session, { path }: Connection, received: number, out: RoomsOut): void {
    const { outbox } = session
    if (!outbox.reaches(received)) return this.#welcome(session, out)
    outbox.acknowledge(received)
    send(path, { type: "resumed" }, out, session)
    for (const text of outbox.unacknowledged()) sendText(path, text, out)
  }

  #relay(
    connection: Connection,
    { room, participant }: Session,
    { to, generation, what, signal }: PassedSignal,
    out: RoomsOut,
  ): void {
    if (to === participant || !this.#rooms.get(room)!.room.members.has(to))
      return refuse(connection, "no-such-participant", out, {
        message: nobodyInRoom(to),
      })
    out.ask({
      type: "publish",
      room,
      event: { type: "signal", from: participant, to, generation, what, signal },
    })
  }

  /** What hosts may do. The room itself decides when the bus brings it; this says why not, where that is known. */
  #govern(
    connection: Connection,
    { room: name, participant: by }: Session,
    message: Extract<ClientMessage, { type: "lock" | "admit" | "kick" }>,
    out: RoomsOut,
  ): void {
    const { room } = this.#rooms.get(name)!
    const publish = (event: RoomEvent) => out.ask({ type: "publish", room: name, event })
    if (!room.isHost(by)) return refuse(connection, "not-host", out)
    if (message.type === "lock") return publish({ type: "lock", by, locked: message.locked })
    const { participant: id } = message
    if (message.type === "kick")
      return room.members.has(id)
        ? publish({ type: "kick", by, id })
        : refuse(connection, "no-such-participant", out, { message: nobodyInRoom(id) })
    const { admit } = message
    if (!room.lobby.waiting.some(each => each.id === id))
      return refuse(connection, "no-such-participant", out, {
        message: `Nobody of the id ${id} waits.`,
      })
    if (admit && !room.hasRoom) return refuse(connection, "room-full", out)
    publish({ type: "admit", by, id, admit })
  }

  #delivered(name: string, event: RoomEvent, now: number, out: RoomsOut): void {
    const held = this.#rooms.get(name)
    if (held === undefined) return
    if (event.type === "signal") return this.#passOn(name, held, event, out)
    const { room, sessions } = held
    const { lobby } = room
    const changes = room.apply(event)
    if (event.type === "leave") sessions.delete(event.id)
    for (const change of changes) this.#tellOf(name, held, change, now, out)
    if (room.lobby !== lobby) for (const session of sessions.values()) this.#tellLobby(session, room, out)
    // Who came with this event sees all of it at once, as it is now.
    for (const { type, id } of changes) {
      const arrived = type === "joined" ? sessions.get(id) : undefined
      if (arrived === undefined) continue
      arrived.present = true
      this.#welcome(arrived, out)
    }
    if (sessions.size === 0) {
      this.#rooms.delete(name)
      out.ask({ type: "unsubscribe", room: name })
    }
  }

  #passOn(
    name: string,
    { room, sessions }: Held,
    { from, to, generation, what, signal }: Extract<RoomEvent, { type: "signal" }>,
    out: RoomsOut,
  ): void {
    const target = sessions.get(to)
    // Who left meanwhile has nothing more to say.
    if (target === undefined || !target.present || !room.members.has(from)) return
    tellText(target, `{"type":"signal","from":"${from}","generation":${generation},"signal":${signal}}`, out)
    out.note({ layer: "signaling", kind: "relayed", room: name, from, to, what, generation })
  }

  /** Tells this process's participants of one change of their room. */
  #tellOf(name: string, { room, sessions }: Held, change: Change, now: number, out: RoomsOut): void {
    const { id } = change
    const own = sessions.get(id)
    const note = { layer: "signaling", room: name, participant: id } as const
    const at = own?.connection && client(own.connection, out)
    switch (change.type) {
      case "dismissed":
        sessions.delete(id)
        return own && this.#dismiss(own, change.code, now, out)
      case "waiting":
        if (own?.connection === undefined) return
        out.note({ ...note, kind: "waiting", client: at! })
        return send(own.connection.path, { type: "waiting" }, out)
      case "left":
        out.note({ ...note, kind: "left", why: change.why })
        // Who is told to go elsewhere does not return, and may talk on through the relay for as long as it drains.
        if (this.#draining === undefined || change.why !== LAPSED)
          out.ask({ type: "revoke", room: name, participant: id })
        break
      case "joined":
        if (at !== undefined) out.note({ ...note, kind: "joined", client: at })
        break
      default:
    }
    const { type, seq } = change
    for (const session of sessions.values()) {
      if (!session.present) continue
      if (type === "left") tell(session, { type: "participant", seq, change: type, participant: { id } }, out)
      else {
        // One's own changes come back too: they carry the room's number, and say that everybody knows.
        const participant = room.peer(id, session.participant)!
        tell(session, { type: "participant", seq, change: type, participant }, out)
      }
    }
  }

  #tellLobby(session: Session, room: Room, out: RoomsOut): void {
    if (session.present && room.isHost(session.participant))
      tell(session, { type: "lobby", ...room.lobby }, out)
  }

  /** A host, or the room itself, ended it: unless it had ended by itself. */
  #dismiss(session: Session, code: DismissalCode, now: number, out: RoomsOut): void {
    if (!this.#sessions.delete(session.key)) return
    if (code === "kicked") this.#kickedSessions.add(session.key, now + this.#limits.kickedFor)
    const { connection } = session
    session.connection = undefined
    if (connection === undefined) return
    connection.session = undefined
    refuse(connection, code, out, { fatal: true })
  }

  /** The whole room as it is now, and what its new arrival needs. */
  #welcome(session: Session, out: RoomsOut): void {
    session.outbox = this.#newOutbox()
    session.inbox = new Inbox()
    if (session.connection === undefined) return
    const { room } = this.#rooms.get(session.room)!
    send(
      session.connection.path,
      {
        type: "joined",
        version: PROTOCOL_VERSION,
        room: session.room,
        self: room.participant(session.participant)!,
        participants: room.peers(session.participant),
        seq: room.seq,
        session: session.key,
        grace: this.#limits.grace,
        ...this.#iceServers(session.room, session.participant),
      },
      out,
    )
    this.#tellLobby(session, room, out)
  }

  #detach(session: Session, why: string, now: number, out: RoomsOut): void {
    if (!session.present) return this.#end(session, why, out)
    session.connection = undefined
    session.awaySince = now
    const { room, participant } = session
    out.note({ layer: "signaling", kind: "detached", room, participant, why })
    if (this.#limits.grace === 0) this.#end(session, why, out)
    else out.ask({ type: "publish", room, event: { type: "update", id: participant, away: true } })
    this.#scheduleSweep(now)
  }

  #end(session: Session, why: string, out: RoomsOut): void {
    // Who was not let in yet has opened nothing with their token.
    if (!session.present) this.#usedTokens.delete(session.tokenId)
    this.#sessions.delete(session.key)
    if (session.connection !== undefined) session.connection.session = undefined
    session.connection = undefined
    out.ask({ type: "publish", room: session.room, event: { type: "leave", id: session.participant, why } })
  }

  #newOutbox(): Outbox {
    return new Outbox({ messages: this.#limits.replayMessages, bytes: this.#limits.replayBytes })
  }

  /** Unguessable text, 6 bits a character. */
  #secret(length: number): string {
    const random = new Uint8Array(length)
    this.#crypto.random(random)
    return Array.from(random, byte => ID_ALPHABET[byte & 63]).join("")
  }

  #scheduleSweep(now: number): void {
    const waits = this.#connections.size > 0 || this.#sessions.size > 0 || this.#usedTokens.size > 0
    if (waits) this.nextTick = Math.min(this.nextTick, now + SWEEP)
  }
}

const nobodyInRoom = (id: string) => `Nobody of the id ${id} is in the room.`
