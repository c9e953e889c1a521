import type { IncomingMessage } from "node:http"
import { HttpError } from "../http/index.ts"

/**
 * Whether the page that a request comes from may use this server: one of ours, or one that the operator names.
 * Programs send no Origin, and have no cookies of a victim to abuse; browsers always send one where it matters.
 */
function isAllowedOrigin({ headers }: IncomingMessage, origins: readonly string[]): boolean {
  const { origin, host } = headers
  if (origin === undefined || origins.includes(origin)) return true
  return URL.canParse(origin) && new URL(origin).host === host
}

/** The headers that let an allowed page read the answer. Throws `HttpError` 403 for any other page. */
export function allowOrigin(request: IncomingMessage, origins: readonly string[]): Record<string, string> {
  if (!isAllowedOrigin(request, origins))
    throw new HttpError(
      403,
      "foreign-origin",
      "This page may not use this server.",
      "Add its origin to http.origins.",
    )
  const { origin } = request.headers
  return origin === undefined ? {} : { "access-control-allow-origin": origin, vary: "origin" }
}
