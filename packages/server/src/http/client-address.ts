import type { IncomingMessage } from "node:http"
import { isIP } from "node:net"
import type { Address } from "@tightbeam/webrtc/bytes"
import { addressFrom } from "@tightbeam/webrtc/net"

const UNKNOWN: Address = { ip: new Uint8Array(4), port: 0 }

/**
 * Where a request came from. Behind a trusted proxy that is the last entry of X-Forwarded-For, which
 * the proxy itself added; all entries before it are the client's to invent. The port is then 0.
 */
export function clientAddress(request: IncomingMessage, trustProxy: boolean): Address {
  const { remoteAddress, remotePort } = request.socket
  const direct = addressFrom(remoteAddress ?? "", remotePort ?? 0) ?? UNKNOWN
  if (!trustProxy) return direct
  // Node joins repeated headers with a comma.
  const forwarded = String(request.headers["x-forwarded-for"] ?? "")
  return addressFrom(hostOf(forwarded.split(",").at(-1)!.trim()), 0) ?? direct
}

/** Some proxies write the port too: `192.0.2.1:5000`, `[2001:db8::1]:5000`. */
function hostOf(entry: string): string {
  if (isIP(entry) !== 0) return entry
  return /^\[([^\]]+)\](?::\d+)?$/.exec(entry)?.[1] ?? /^([\d.]+):\d+$/.exec(entry)?.[1] ?? ""
}
