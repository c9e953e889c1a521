import type { Inbox, Outbox } from "@tightbeam/client"
import type { Path } from "@tightbeam/webrtc/contract"
import type { TokenBucket } from "../limits/index.ts"
import type { Grants } from "./ask.ts"
import type { Source } from "./source.ts"

/** A socket, from its opening to its end. */
export interface Connection {
  readonly path: Path
  readonly source: Source
  readonly openedAt: number
  heardAt: number
  readonly messages: TokenBucket
  /** While its token is being verified. */
  attempt: number | undefined
  session: Session | undefined
  /** It was told to go: what it still says is not heard. */
  closing: boolean
}

/** A participant of this process: it outlives the socket by the grace period. */
export interface Session {
  readonly key: string
  readonly room: string
  readonly participant: string
  readonly grants: Grants
  /** Of the token that opened it. */
  readonly tokenId: string
  /** `undefined` while the participant is away. */
  connection: Connection | undefined
  awaySince: number
  /** What it was told and may have missed, and how far it was heard. Both begin anew with each `joined`. */
  outbox: Outbox
  inbox: Inbox
  /** The bus brought that it is in: from now on it sees the room. Until then it waits, and ends with its socket. */
  present: boolean
}

/** Decided before a byte of the message is looked at: whatever comes before a session is a try to join. */
export function whatIsTooMany({ messages, source, session }: Connection, now: number): string | undefined {
  if (!messages.take(now)) return "Too many messages in a short time."
  if (!source.messages.take(now)) return "Too many messages from your network in a short time."
  if (session === undefined && !source.joins.take(now))
    return "Too many people of your network join in a short time."
  return undefined
}
