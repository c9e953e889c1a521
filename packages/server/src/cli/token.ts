import { ROOM_NAME } from "@tightbeam/client"
import type { Loaded } from "../config/index.ts"
import { DataFolder } from "../data/index.ts"
import { issueToken } from "../signaling/index.ts"
import { accessSecret, lanUrl } from "../start.ts"
import { parseDuration } from "./duration.ts"
import { UsageError } from "./usage-error.ts"

/** The longest that a token can be good for, seconds: 30 days. */
const LONGEST_TTL = 30 * 86_400

/** A signed join token, or with `--url` a link that carries it. Throws `UsageError`. */
export async function token({ config, own }: Loaded): Promise<string> {
  const room = own.get("room")
  if (typeof room !== "string") throw new UsageError("token needs a room: tightbeam token --room ROOM")
  if (!ROOM_NAME.test(room)) throw new UsageError(`--room is "${room}": must be 1–64 of A–Z a–z 0–9 _ -`)
  const ttlText = String(own.get("ttl") ?? "1h")
  const ttl = parseDuration(ttlText)
  if (ttl === undefined || ttl > LONGEST_TTL)
    throw new UsageError(`--ttl is "${ttlText}": must be a duration up to 30d, as 90s, 15m, 1h and 7d are`)
  const secret = accessSecret(config, new DataFolder(config.data))
  const grants = { publish: !own.has("no-publish"), host: own.has("host") }
  const signed = await issueToken({ room, ttl, grants }, secret)
  if (!own.has("url")) return signed
  const { port } = config.http
  // Behind the #, where it stays in the browser and out of the logs of servers and proxies.
  return `${lanUrl(config, port) ?? `http://localhost:${port}/`}r/${room}#token=${signed}`
}
