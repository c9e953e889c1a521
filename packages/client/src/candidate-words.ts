import type { CandidateSummary } from "./timeline.ts"

/** "relay 203.0.113.1:49152", or "host" where the browser hides the address. */
export function summaryText({ type, address }: CandidateSummary): string {
  return address === "" ? type : `${type} ${address}`
}

/** "relay 203.0.113.1:49152 over UDP", from a candidate line (RFC 8839 §5.1). */
export function describeCandidate(line: string): string {
  const [, , transport = "", , address = "", port = "", , type = ""] = line.split(" ")
  if (address.endsWith(".local")) return `${type}, its address hidden, over ${transport.toUpperCase()}`
  // Active TCP candidates open connections themselves, and listen nowhere (RFC 6544 §4.5).
  const shown = line.includes("tcptype active") ? address : withPort(address, port)
  return `${type} ${shown} over ${transport.toUpperCase()}`
}

const withPort = (address: string, port: number | string): string =>
  address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`
