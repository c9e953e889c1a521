import { parseIp } from "@tightbeam/webrtc/bytes"

/** All addresses of this machine: `0.0.0.0` or `::`. */
export function isUnspecified(address: string): boolean {
  return parseIp(address)?.every(byte => byte === 0) === true
}

/** Reached from this machine only: 127.0.0.0/8 or `::1`. */
export function isLoopback(address: string): boolean {
  const ip = parseIp(address)
  return ip?.length === 4 ? ip[0] === 127 : ip?.every((byte, i) => byte === (i === 15 ? 1 : 0)) === true
}
