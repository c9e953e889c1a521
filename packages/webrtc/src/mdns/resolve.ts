import multicastDns from "multicast-dns"
import { parseIp } from "../bytes/index.ts"

/** The names that browsers hide their addresses behind: a random UUID (draft-ietf-mmusic-mdns-ice-candidates-03 §3.1.1). */
const HIDDEN = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.local$/i

/** RFC 6762 §5.2: a second between the first two, twice that to the third. In ms. */
const QUERIES_AT = [0, 1_000, 3_000]
/** In ms. Whoever has not answered by then is on another network. */
const PATIENCE = 6_000

/** Whether the address of a candidate is such a name, which only the same network can look up. */
export function isHiddenName(text: string): boolean {
  return HIDDEN.test(text)
}

/**
 * Asks the local network for the address behind an mDNS candidate's name; `undefined` when nobody answers. Only for
 * clients, whose user is on that network: a server that looks up strangers' names shows them its own network.
 */
export async function resolveHiddenName(name: string): Promise<Uint8Array | undefined> {
  if (!isHiddenName(name)) return undefined
  const dns = multicastDns()
  const found = Promise.withResolvers<Uint8Array | undefined>()
  // No network to ask on: that is an answer too.
  dns.on("error", () => found.resolve(undefined))
  dns.on("response", ({ answers }) => {
    for (const answer of answers ?? []) {
      const isIts = (answer.type === "A" || answer.type === "AAAA") && sameName(answer.name, name)
      const ip = isIts && typeof answer.data === "string" ? parseIp(answer.data) : undefined
      if (ip !== undefined) found.resolve(ip)
    }
  })
  const questions = [
    { name, type: "A" },
    { name, type: "AAAA" },
  ] as const
  const timers = QUERIES_AT.map(at => setTimeout(() => dns.query({ questions: [...questions] }), at))
  timers.push(setTimeout(() => found.resolve(undefined), PATIENCE))
  try {
    return await found.promise
  } finally {
    for (const timer of timers) clearTimeout(timer)
    dns.destroy()
  }
}

function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase()
}
