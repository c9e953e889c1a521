import { type ClientMessage, ROOM_NAME } from "@tightbeam/client"

/**
 * The messages that nearly all are, candidates and pings, read by hand: the schema takes a quarter of what such a
 * message costs the process (bench/signaling). It accepts nothing that the schema would not; what it does not accept
 * the schema judges, and says why.
 */
export function frequentMessage(json: object): ClientMessage | undefined {
  const { type, n, ack } = json as { type?: unknown; n?: unknown; ack?: unknown }
  const numbers = (n === undefined ? 0 : 1) + (ack === undefined ? 0 : 1)
  if (type === "signal") return hasKeys(json, 4 + numbers) ? candidate(json) : undefined
  if (type !== "ping" || !hasKeys(json, 2 + numbers)) return undefined
  const { id } = json as { id?: unknown }
  return isIndex(id, Number.MAX_SAFE_INTEGER) ? { type, id } : undefined
}

function candidate(json: object): ClientMessage | undefined {
  const { to, generation, signal } = json as Record<"to" | "generation" | "signal", unknown>
  if (typeof to !== "string" || !ROOM_NAME.test(to) || !isIndex(generation, 1_000_000)) return undefined
  if (!hasKeys(signal, 1) || !hasKeys(signal.candidate, 4)) return undefined
  const { candidate, sdpMid, sdpMLineIndex, usernameFragment } = signal.candidate
  if (!isText(candidate, 0, 1024)) return undefined
  if (sdpMid !== null && !isText(sdpMid, 1, 32)) return undefined
  if (sdpMLineIndex !== null && !isIndex(sdpMLineIndex, 1024)) return undefined
  if (usernameFragment !== null && !isText(usernameFragment, 0, 256)) return undefined
  return {
    type: "signal",
    to,
    generation,
    signal: { candidate: { candidate, sdpMid, sdpMLineIndex, usernameFragment } },
  }
}

/** An object of exactly so many keys: where all that are named are there, there is no other. */
function hasKeys(value: unknown, count: number): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false
  let keys = 0
  for (const _ in value) keys++
  return keys === count
}

const isText = (value: unknown, min: number, max: number): value is string =>
  typeof value === "string" && value.length >= min && value.length <= max

const isIndex = (value: unknown, max: number): value is number =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= max
