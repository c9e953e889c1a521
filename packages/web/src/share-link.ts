import { roomPath } from "./route.ts"

export interface ShareLink {
  readonly url: string
  /** The page itself is open on an address that only this computer knows. */
  readonly replacesLocalhost: boolean
}

/** The link to send to others: the server's address in the local network where this page is on localhost. */
export function shareLink(room: string, origin: string, lanUrl: string | undefined): ShareLink {
  const { hostname } = new URL(origin)
  const local = hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.")
  const base = local && lanUrl !== undefined ? lanUrl : origin
  return { url: base.replace(/\/$/, "") + roomPath(room), replacesLocalhost: base !== origin }
}
