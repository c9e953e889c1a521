import type { IncomingMessage } from "node:http"
import { HttpError } from "./http-error.ts"

/** Bytes that a request body may have unless a handler says otherwise. */
const DEFAULT_BODY_LIMIT = 16 * 1024

/** The body of a request, parsed. Throws `HttpError` 400, 413 or 415; `limit` in bytes. */
export async function readJson(
  request: IncomingMessage,
  limit: number = DEFAULT_BODY_LIMIT,
): Promise<unknown> {
  // A page of another origin cannot send this type without asking first (CORS), so it cannot forge requests.
  if (!/^application\/json\b/i.test(request.headers["content-type"] ?? ""))
    throw new HttpError(
      415,
      "unsupported-type",
      "The body must be JSON.",
      "Send content-type: application/json.",
    )
  const tooLarge = (): HttpError =>
    new HttpError(413, "too-large", `The body is larger than ${limit} bytes.`, "Send less.", {
      connection: "close",
    })
  if (Number(request.headers["content-length"] ?? 0) > limit) throw tooLarge()
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > limit) throw tooLarge()
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"))
  } catch {
    throw new HttpError(400, "bad-json", "The body is not JSON.", "Send one JSON value.")
  }
}
