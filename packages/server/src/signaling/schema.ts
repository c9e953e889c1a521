import {
  type ClientMessage,
  NAME,
  NAME_LENGTH,
  type Publication,
  ROOM_NAME,
  type Signal,
} from "@tightbeam/client"
import { z } from "zod"
import { frequentMessage, type PassedSignal } from "./frequent.ts"

const id = z.string().regex(ROOM_NAME, "1–64 of A–Z a–z 0–9 _ -")
const room = id
const name = z
  .string()
  .trim()
  .min(1)
  .max(NAME_LENGTH)
  .regex(NAME, "no invisible, control or direction characters")
const mid = z.string().min(1).max(32)
const generation = z.int().min(0).max(1_000_000)

const publication: z.ZodType<Publication> = z.strictObject({
  id,
  kind: z.enum(["audio", "video"]),
  source: z.enum(["camera", "microphone", "screen", "screen-audio", "custom"]),
  muted: z.boolean(),
})

/** A union is tried in its order: candidates are many, descriptions few. */
const signal: z.ZodType<Signal> = z.union([
  z.strictObject({
    candidate: z.strictObject({
      candidate: z.string().max(1024),
      sdpMid: mid.nullable(),
      sdpMLineIndex: z.int().min(0).max(1024).nullable(),
      usernameFragment: z.string().max(256).nullable(),
    }),
  }),
  z.strictObject({
    description: z.strictObject({ type: z.enum(["offer", "answer"]), sdp: z.string().max(60_000) }),
    tracks: z.record(mid, id).refine(tracks => Object.keys(tracks).length <= 64, "at most 64 tracks"),
  }),
])

/** Everything that a client may say. One for each limit of publications, which the operator may set. */
export function clientMessageSchema(maxPublications: number): z.ZodType<ClientMessage> {
  return z.discriminatedUnion("type", [
    z.strictObject({
      type: z.literal("join"),
      version: z.int(),
      room,
      token: z.string().min(1).max(8192),
      name,
    }),
    z.strictObject({
      type: z.literal("rejoin"),
      version: z.int(),
      room,
      session: z.string().min(1).max(128),
      received: z.int().min(0),
    }),
    z.strictObject({ type: z.literal("signal"), to: id, generation, signal }),
    z.strictObject({
      type: z.literal("publish"),
      publications: z
        .array(publication)
        .max(maxPublications)
        .refine(list => new Set(list.map(each => each.id)).size === list.length, "every id once"),
    }),
    z.strictObject({ type: z.literal("rename"), name }),
    z.strictObject({ type: z.literal("hand"), raised: z.boolean() }),
    z.strictObject({ type: z.literal("lock"), locked: z.boolean() }),
    z.strictObject({ type: z.literal("admit"), participant: id, admit: z.boolean() }),
    z.strictObject({ type: z.literal("kick"), participant: id }),
    z.strictObject({ type: z.literal("refresh") }),
    z.strictObject({ type: z.literal("ping"), id: z.int() }),
    z.strictObject({ type: z.literal("ack") }),
    z.strictObject({ type: z.literal("leave") }),
  ])
}

/** See `Numbering`. */
export interface Numbers {
  readonly n?: number | undefined
  readonly ack?: number | undefined
}

/** What a client said, checked. */
export type Heard = Exclude<ClientMessage, { type: "signal" }> | PassedSignal

/** A message that makes no sense still has its number: the next one's follows it. */
export type Parsed = { readonly numbering: Numbers } & (
  | { readonly message: Heard }
  | { readonly problem: string }
)

/** Reads one message, or says in a sentence what is wrong with it. Never throws. */
export function parseClientMessage(schema: z.ZodType<ClientMessage>, text: string): Parsed {
  const frequent = frequentMessage(text)
  if (frequent !== undefined) return frequent
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return { numbering: {}, problem: "This is not JSON." }
  }
  if (typeof json !== "object" || json === null || Array.isArray(json))
    return { numbering: {}, problem: "This is not an object." }
  const { n, ack, ...rest } = json as { n?: unknown; ack?: unknown }
  if (!isNumber(n, 1)) return { numbering: {}, problem: '"n": must be a whole number from 1 on.' }
  if (!isNumber(ack, 0)) return { numbering: {}, problem: '"ack": must be a whole number from 0 on.' }
  const numbering = { n, ack }
  const result = schema.safeParse(rest)
  return result.success
    ? { numbering, message: passed(result.data) }
    : { numbering, ...problemOf(result.error) }
}

function passed(message: ClientMessage): Heard {
  if (message.type !== "signal") return message
  return { ...message, what: whatIs(message.signal), signal: JSON.stringify(message.signal) }
}

function whatIs(signal: Signal): PassedSignal["what"] {
  if ("description" in signal) return signal.description.type
  return signal.candidate.candidate === "" ? "end-of-candidates" : "candidate"
}

function isNumber(value: unknown, min: number): value is number | undefined {
  return value === undefined || (Number.isSafeInteger(value) && (value as number) >= min)
}

function problemOf(error: z.ZodError): { problem: string } {
  const issue = deepest(error.issues)
  return { problem: `${issue.path.length > 0 ? `"${issue.path.join(".")}": ` : ""}${issue.message}.` }
}

/** A union reports the problems of each of its forms: the one that got furthest is the one that was meant. */
function deepest(
  issues: readonly z.core.$ZodIssue[],
  prefix: PropertyKey[] = [],
): { path: PropertyKey[]; message: string } {
  const issue = issues[0]!
  const path = [...prefix, ...issue.path]
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    const found = issue.errors.filter(each => each.length > 0).map(each => deepest(each, path))
    found.sort((a, b) => b.path.length - a.path.length)
    if (found[0] !== undefined) return found[0]
  }
  return { path, message: issue.message }
}
