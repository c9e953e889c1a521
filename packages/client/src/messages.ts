/**
 * The signaling protocol, version 1: JSON text messages over one WebSocket (or what carries the same).
 * `docs/signaling.md` says when each is sent and what follows. The server validates every one that it
 * receives against a schema whose type is checked against these.
 */
export const PROTOCOL_VERSION = 1

/** The WebSocket subprotocol. */
export const SUBPROTOCOL = "tightbeam.v1"

/** A room's name: what fits into a link, a username of the relay and a bus subject without escaping. */
export const ROOM_NAME_LENGTH = 64
export const ROOM_NAME: RegExp = /^[A-Za-z0-9_-]{1,64}$/

/**
 * What a person's name may hold: any script, but nothing that moves the cursor, turns the text around or cannot be
 * seen; joiners only between what they join. At most 64 UTF-16 units.
 */
export const NAME_LENGTH = 64
export const NAME: RegExp =
  /^(?:[^\p{Cc}\p{Cf}\p{Cs}\u115f\u1160\u2800\u3164\uffa0]|(?<=\S)[\u200c\u200d](?=\S))*$/u

export type Source = "camera" | "microphone" | "screen" | "screen-audio" | "custom"

/** What a participant sends. Its id outlives the connections that carry it. */
export interface Publication {
  /** Chosen by the publisher, unique within the participant: 1–64 of `A–Z a–z 0–9 _ -`. */
  readonly id: string
  readonly kind: "audio" | "video"
  readonly source: Source
  readonly muted: boolean
}

export interface Participant {
  /** Given by the server, unique within the room and never reused. */
  readonly id: string
  /** As the person typed it: shown as text, never as markup. */
  readonly name: string
  readonly publications: readonly Publication[]
  /** The socket is gone and a grace period runs: media may well go on. */
  readonly away: boolean
  /** May lock the room, let in who waits, and send somebody out. */
  readonly host: boolean
  /** The room's `seq` at which they raised their hand, so that hands have an order; `null` while it is down. */
  readonly hand: number | null
}

/** Who yields when both sides offer at once (perfect negotiation): given by the server, opposite at the two ends. */
export type Role = "polite" | "impolite"

export interface Peer extends Participant {
  /** The receiver's own role towards this peer. */
  readonly role: Role
}

/** The waiting room, as hosts see it. */
export interface Lobby {
  /** Who joins waits until a host lets them in. */
  readonly locked: boolean
  /** In the order they came. */
  readonly waiting: readonly { readonly id: string; readonly name: string }[]
}

export interface IceServer {
  readonly urls: readonly string[]
  readonly username?: string
  readonly credential?: string
}

export interface Description {
  readonly type: "offer" | "answer"
  readonly sdp: string
}

/** An ICE candidate as RTCIceCandidate.toJSON() gives it; an empty `candidate` ends a generation's candidates. */
export interface Candidate {
  readonly candidate: string
  readonly sdpMid: string | null
  readonly sdpMLineIndex: number | null
  readonly usernameFragment: string | null
}

/** What two peers say to each other through the server, which checks its shape and nothing more. */
export type Signal =
  /** `tracks` maps the media sections that the sender sends on to its publications: mid → publication id. */
  | { readonly description: Description; readonly tracks: Readonly<Record<string, string>> }
  | { readonly candidate: Candidate }

export type ClientMessage =
  | {
      readonly type: "join"
      readonly version: number
      readonly room: string
      /** A JWT (docs/signaling.md, "Tokens"). */
      readonly token: string
      readonly name: string
    }
  /**
   * Back within the grace period, on a new socket, as the same participant, having received all up to `received`.
   * Answered by `resumed` and what was missed, or, where that is no longer kept, by `joined` and a new start.
   */
  | {
      readonly type: "rejoin"
      readonly version: number
      readonly room: string
      readonly session: string
      readonly received: number
    }
  | {
      readonly type: "signal"
      readonly to: string
      /** Rises by one with each new peer connection between two participants, from 0. */
      readonly generation: number
      readonly signal: Signal
    }
  /** All that this participant publishes from now on: replaces the earlier list. */
  | { readonly type: "publish"; readonly publications: readonly Publication[] }
  | { readonly type: "rename"; readonly name: string }
  | { readonly type: "hand"; readonly raised: boolean }
  /** Of hosts: locks the room, or opens it and lets in all who wait. */
  | { readonly type: "lock"; readonly locked: boolean }
  /** Of hosts: the answer to one who waits. */
  | { readonly type: "admit"; readonly participant: string; readonly admit: boolean }
  /** Of hosts: sends somebody out. */
  | { readonly type: "kick"; readonly participant: string }
  /** Asks for fresh ICE servers; answered by `ice-servers`. */
  | { readonly type: "refresh" }
  /** Answered by `pong`. */
  | { readonly type: "ping"; readonly id: number }
  /** Nothing but the `ack` that it carries. */
  | { readonly type: "ack" }
  | { readonly type: "leave" }

export type ServerMessage =
  | {
      readonly type: "joined"
      readonly version: number
      readonly room: string
      readonly self: Participant
      /** In the order they joined. */
      readonly participants: readonly Peer[]
      /** Number of the last change of the room that this view includes. */
      readonly seq: number
      /** The key for `rejoin`: whoever has it is this participant. */
      readonly session: string
      /** How long the server waits for a `rejoin` after the socket broke, ms. */
      readonly grace: number
      readonly iceServers: readonly IceServer[]
      /** How long those credentials are good, seconds. */
      readonly ttl: number
    }
  /** The room is locked: `joined` follows when a host lets us in, else an error. Nothing of the room is told meanwhile. */
  | { readonly type: "waiting" }
  /** To hosts, after `joined` and whenever it changes. */
  | ({ readonly type: "lobby" } & Lobby)
  /** The session goes on. What the server has not received (its `ack` says) is to be said again. */
  | { readonly type: "resumed" }
  /** One change of the room. `seq` rises by one from message to message, the same for everybody. */
  | {
      readonly type: "participant"
      readonly seq: number
      readonly change: "joined" | "updated"
      readonly participant: Peer
    }
  | {
      readonly type: "participant"
      readonly seq: number
      readonly change: "left"
      readonly participant: { readonly id: string }
    }
  | { readonly type: "signal"; readonly from: string; readonly generation: number; readonly signal: Signal }
  | { readonly type: "ice-servers"; readonly iceServers: readonly IceServer[]; readonly ttl: number }
  | { readonly type: "pong"; readonly id: number }
  /** Nothing but the `ack` that it carries. */
  | { readonly type: "ack" }
  /** `fatal`: the server closes the socket after it. Otherwise only the named message was refused. */
  | {
      readonly type: "error"
      readonly code: ErrorCode
      readonly message: string
      readonly hint: string
      readonly fatal: boolean
    }
  /** The server is going away: finish up, reconnect after `reconnectIn` ms. */
  | { readonly type: "closing"; readonly reconnectIn: number }

/** Codes that the server sends. Stable: programs may match on them. */
export type ErrorCode =
  | "bad-message"
  | "too-large"
  | "too-many"
  | "unsupported-version"
  | "token-invalid"
  | "token-expired"
  | "token-foreign"
  | "token-used"
  | "not-joined"
  | "already-joined"
  | "not-allowed"
  | "not-host"
  | "not-admitted"
  | "kicked"
  | "no-such-participant"
  | "session-unknown"
  | "too-slow"
  | "room-full"
  | "server-full"
  | "replaced"
  | "closing"
