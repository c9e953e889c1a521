import type { ServerResponse } from "node:http"
import type { HttpError } from "./http-error.ts"

/** Answers with JSON, never stored by anyone. */
export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const bytes = Buffer.from(`${JSON.stringify(body)}\n`)
  response.writeHead(status, {
    "content-type": "application/json; charset=utf-8",
    "content-length": bytes.length,
    "cache-control": "no-store",
    ...headers,
  })
  response.end(response.req.method === "HEAD" ? undefined : bytes)
}

/** Answers with an error as JSON: `{ code, message, hint }`. */
export function sendError(
  response: ServerResponse,
  { status, code, message, hint, headers }: HttpError,
): void {
  sendJson(response, status, { code, message, hint }, headers)
}
