import { roomPath } from "./route.ts"

export interface ShareLink {
  readonly url: string
  /** The page itself is open on an address that only this computer knows. */
  readonly replacesLocalhost: boolean
}

/** Whether a name of a host leads to the computer that it is said on. */
export const isOnlyThisComputer = (hostname: string): boolean =>
  hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.")

/** The link to send to others: the server's address in the local network where this page is on localhost. */
export function shareLink(room: string, origin: string, lanUrl: string | undefined): ShareLink {
  const base = isOnlyThisComputer(new URL(origin).hostname) && lanUrl !== undefined ? lanUrl : origin
  return { url: base.replace(/\/$/, "") + roomPath(room), replacesLocalhost: base !== origin }
}
