import type { ErrorCode, Numbering, ServerMessage } from "@tightbeam/client"
import { formatAddress } from "@tightbeam/webrtc/bytes"
import type { Out, Path } from "@tightbeam/webrtc/contract"
import type { RoomsRequest } from "./ask.ts"
import { REFUSALS } from "./refusals.ts"
import type { Numbers } from "./schema.ts"
import type { Connection, Session } from "./session.ts"

export type RoomsOut = Out<never, RoomsRequest>

const encoder = new TextEncoder()

export function refuse(
  connection: Connection,
  code: ErrorCode,
  out: RoomsOut,
  { fatal = false, message = REFUSALS[code].message }: { fatal?: boolean; message?: string } = {},
): void {
  const error = { type: "error", code, message, hint: REFUSALS[code].hint, fatal } as const
  const { session } = connection
  if (session?.present && !fatal) tell(session, error, out)
  else send(connection.path, error, out)
  out.note({ layer: "signaling", kind: "refused", client: client(connection, out), code, why: message })
  if (fatal) close(connection, code, out)
}

export function close(connection: Connection, code: ErrorCode | "left" | "idle", out: RoomsOut): void {
  connection.closing = true
  out.ask({ type: "close", path: connection.path, code })
}

/** Says it to a participant: now, and again on the next socket if it may have been missed. */
export function tell(session: Session, message: ServerMessage, out: RoomsOut): void {
  tellText(session, JSON.stringify(message), out)
}

/** As `tell`; the message as JSON, an object. */
export function tellText(session: Session, message: string, out: RoomsOut): void {
  const text = session.outbox.add(message, session.inbox.ack())
  if (session.connection !== undefined) sendText(session.connection.path, text, out)
}

/** Says what belongs to one connection alone. `session`: whose acknowledgement it carries. */
export function send(path: Path, message: ServerMessage, out: RoomsOut, session?: Session): void {
  const numbered: ServerMessage & Numbering = session ? { ...message, ack: session.inbox.ack() } : message
  sendText(path, JSON.stringify(numbered), out)
}

export function sendText(path: Path, text: string, out: RoomsOut): void {
  // UTF-8 needs at most three bytes for a UTF-16 unit.
  const at = out.reserve(path, text.length * 3)
  out.commit(encoder.encodeInto(text, at === 0 ? out.bytes : out.bytes.subarray(at)).written)
}

/** Books a message's numbers; false when it is not to be handled: heard before, or not the next. */
export function count(connection: Connection, { n, ack }: Numbers, out: RoomsOut): boolean {
  const { session } = connection
  if (session === undefined) return true
  if (ack !== undefined) session.outbox.acknowledge(ack)
  if (n === undefined) return true
  const place = session.inbox.accept(n)
  if (place === "gap")
    refuse(connection, "bad-message", out, {
      fatal: true,
      message: `"n": ${n} does not follow ${session.inbox.received}.`,
    })
  else if (session.inbox.owesAck) send(connection.path, { type: "ack" }, out, session)
  return place === "new"
}

/** Where a connection comes from, as evidence has it. */
export function client(connection: Connection, out: RoomsOut): string {
  return formatAddress(out.paths.remote(connection.path))
}
