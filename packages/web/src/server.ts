import { TightbeamError } from "@tightbeam/client"

export interface ServerInfo {
  readonly version: string
  /** Where others on this network find the server. */
  readonly lanUrl?: string
  /** What all video that somebody sends through the relay may take, bits/s; 0: whatever it wants. */
  readonly relayedVideoBitrate?: number
}

/** Tokens that came with links of this visit and are used up. */
const spent = new Set<string>()

/** The token of a link: it lets its bearer in once, and then says so in words for who followed the link. */
export function onlyOnce(token: string): () => string {
  return () => {
    if (spent.has(token))
      throw new TightbeamError(
        "token-used",
        "This link has let you in once already, and does so only once.",
        "Ask whoever sent it for a new one.",
      )
    spent.add(token)
    return token
  }
}

/** What the server says of itself; undefined where it does not answer: only hints depend on it. */
export async function fetchInfo(): Promise<ServerInfo | undefined> {
  try {
    const response = await fetch("/api/info")
    return response.ok ? ((await response.json()) as ServerInfo) : undefined
  } catch {
    return undefined
  }
}
