import type { IncomingMessage } from "node:http"

/**
 * Whether the page that a request comes from may use this server: one of ours, or one that the operator names.
 * Programs send no Origin, and have no cookies of a victim to abuse; browsers always send one where it matters.
 */
export function isAllowedOrigin({ headers }: IncomingMessage, origins: readonly string[]): boolean {
  const { origin, host } = headers
  if (origin === undefined || origins.includes(origin)) return true
  return URL.canParse(origin) && new URL(origin).host === host
}
