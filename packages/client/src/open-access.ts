import { TightbeamError } from "./errors.ts"

/**
 * How to get join tokens from a server that gives them to everybody (`access.mode: open`): for `RoomOptions.token`.
 * `url` is the server; default: where the page came from. The page's origin must be the server's own or one of its
 * `http.origins`. What it returns rejects with a `TightbeamError`: `server-unreachable`, `token-failed`.
 */
export function openAccess(url?: string): (room: string) => Promise<string> {
  return async room => {
    const path = `/api/rooms/${encodeURIComponent(room)}/token`
    const response = await fetch(new URL(path, url ?? globalThis.location.origin), { method: "POST" }).catch(
      (cause: unknown) => {
        throw new TightbeamError(
          "server-unreachable",
          "The server could not be reached.",
          "Check your network, then try again.",
          { cause },
        )
      },
    )
    const answer: unknown = await response.json().catch(() => ({}))
    const text = (key: string): string | undefined => {
      const value = typeof answer === "object" && answer !== null ? Reflect.get(answer, key) : undefined
      return typeof value === "string" ? value : undefined
    }
    const token = response.ok ? text("token") : undefined
    if (token !== undefined) return token
    throw new TightbeamError(
      "token-failed",
      text("message") ?? `The server gave no token for this room (HTTP ${response.status}).`,
      text("hint") ?? "Try again in a moment.",
    )
  }
}
