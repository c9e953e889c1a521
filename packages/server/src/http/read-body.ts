import type { IncomingMessage } from "node:http"
import { HttpError } from "./http-error.ts"

/** The body of a request. Throws `HttpError` 413 when it has more than `limit` bytes, whatever it declared. */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
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
  return Buffer.concat(chunks)
}
