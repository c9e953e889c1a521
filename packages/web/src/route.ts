import { isRoomName, tidyRoomName } from "./names.ts"

/** Where the address bar points: the front page, or a room. */
export type Route =
  | { readonly page: "home" }
  | {
      readonly page: "room"
      readonly room: string
      /** `?relay=1`: everything through the relay, to try it. */
      readonly relayOnly: boolean
      /** `#token=…`: the link carries the permission to join, where the server gives none to strangers. */
      readonly token: string | undefined
    }

export function parseRoute({ pathname, search, hash }: Pick<URL, "pathname" | "search" | "hash">): Route {
  const found = /^\/r\/([^/]+)\/?$/.exec(pathname)
  if (!found) return { page: "home" }
  let room: string
  try {
    room = decodeURIComponent(found[1]!)
  } catch {
    return { page: "home" }
  }
  if (!isRoomName(room)) room = tidyRoomName(room)
  if (room === "") return { page: "home" }
  const relayOnly = new URLSearchParams(search).get("relay") === "1"
  return {
    page: "room",
    room,
    relayOnly,
    token: new URLSearchParams(hash.slice(1)).get("token") ?? undefined,
  }
}

export const roomPath = (room: string): string => `/r/${encodeURIComponent(room)}`
