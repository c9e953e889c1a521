/** Where the address bar points: the front page, or a room. */
export type Route =
  | { readonly page: "home" }
  | { readonly page: "room"; readonly room: string; readonly relayOnly: boolean }

export function parseRoute(pathname: string, search: string): Route {
  const found = /^\/r\/([^/]+)\/?$/.exec(pathname)
  if (!found) return { page: "home" }
  let room: string
  try {
    room = decodeURIComponent(found[1]!)
  } catch {
    return { page: "home" }
  }
  return { page: "room", room, relayOnly: new URLSearchParams(search).get("relay") === "1" }
}

export const roomPath = (room: string): string => `/r/${encodeURIComponent(room)}`
