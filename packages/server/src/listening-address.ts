import { type Address, parseIp } from "@tightbeam/webrtc/bytes"

/** All addresses of this machine: `0.0.0.0` or `::`. */
export function isUnspecified(address: string): boolean {
  return parseIp(address)?.every(byte => byte === 0) === true
}

/** Reached from this machine only: 127.0.0.0/8 or `::1`. */
export function isLoopback(address: string): boolean {
  const ip = parseIp(address)
  return ip?.length === 4 ? ip[0] === 127 : ip?.every((byte, i) => byte === (i === 15 ? 1 : 0)) === true
}

/** Reads `192.0.2.1:3478` or `[2001:db8::1]:3478`; `undefined` for anything else. */
export function parseAddress(text: string): Address | undefined {
  const [, v6, v4, digits] = /^(?:\[(.+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? []
  const ip = parseIp(v6 ?? v4 ?? "")
  const port = Number(digits)
  const isOfItsForm = ip?.length === (v6 === undefined ? 4 : 16)
  return ip !== undefined && isOfItsForm && port >= 1 && port <= 65_535 ? { ip, port } : undefined
}
