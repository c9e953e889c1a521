import type { Address } from "../bytes/index.ts"
import { AF_INET, AF_INET6, SOCKADDR_IN6_LENGTH } from "./linux.ts"

const MAPPED_AT = 12

/** `struct sockaddr_in` and `sockaddr_in6` (ip(7), ipv6(7)): family in the machine's order, port in the network's. */
export function writeSocketAddress(
  bytes: Uint8Array,
  at: number,
  family: 4 | 6,
  ip: Uint8Array,
  port: number,
): void {
  bytes[at] = family === 4 ? AF_INET : AF_INET6
  bytes[at + 1] = 0
  bytes[at + 2] = port >>> 8
  bytes[at + 3] = port & 0xff
  if (family === 4) {
    for (let i = 0; i < 4; i++) bytes[at + 4 + i] = ip[i]!
    return
  }
  bytes.fill(0, at + 4, at + SOCKADDR_IN6_LENGTH)
  const ipAt = at + 8
  if (ip.length === 16) for (let i = 0; i < 16; i++) bytes[ipAt + i] = ip[i]!
  else {
    bytes[ipAt + 10] = 0xff
    bytes[ipAt + 11] = 0xff
    for (let i = 0; i < 4; i++) bytes[ipAt + MAPPED_AT + i] = ip[i]!
  }
}

/** Where the bytes of an IP address lie. */
export interface IpAt {
  at: number
  /** 4 or 16. `::ffff:a.b.c.d` is read as IPv4: one address has one form. */
  length: number
  port: number
}

export function readSocketAddress(bytes: Uint8Array, at: number, into: IpAt): void {
  into.port = (bytes[at + 2]! << 8) | bytes[at + 3]!
  if (bytes[at] === AF_INET) {
    into.at = at + 4
    into.length = 4
    return
  }
  const isMapped = isMappedAt(bytes, at + 8)
  into.at = at + 8 + (isMapped ? MAPPED_AT : 0)
  into.length = isMapped ? 4 : 16
}

function isMappedAt(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < 10; i++) if (bytes[at + i] !== 0) return false
  return bytes[at + 10] === 0xff && bytes[at + 11] === 0xff
}

/** As `readSocketAddress`, for addresses that are read once. */
export function socketAddress(bytes: Uint8Array, at: number): Address {
  const found: IpAt = { at: 0, length: 0, port: 0 }
  readSocketAddress(bytes, at, found)
  return { ip: bytes.slice(found.at, found.at + found.length), port: found.port }
}
