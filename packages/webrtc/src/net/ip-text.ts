import { type Address, formatIp, isIpv4Mapped, parseIp } from "../bytes/index.ts"

const DOT = 46
const ZERO = 48

/** Where `readIp` leaves its result. */
export interface IpScratch {
  readonly bytes: Uint8Array
  /** Index of the first byte of the address. */
  at: number
  /** 4 or 16. */
  length: number
}

export function createIpScratch(): IpScratch {
  return { bytes: new Uint8Array(16), at: 0, length: 4 }
}

/**
 * Reads an address as the platform writes it, without making objects for IPv4. `::ffff:a.b.c.d` comes
 * out as IPv4: one address has one form. False when the text is no address.
 */
export function readIp(text: string, into: IpScratch): boolean {
  if (readDottedQuad(text, into.bytes)) {
    into.at = 0
    into.length = 4
    return true
  }
  // Link-local addresses come with a zone, which is a matter of the socket and not of the address.
  const zone = text.indexOf("%")
  const ip = parseIp(zone < 0 ? text : text.slice(0, zone))
  if (ip === undefined || ip.length !== 16) return false
  into.bytes.set(ip)
  const mapped = isIpv4Mapped(ip)
  into.at = mapped ? 12 : 0
  into.length = mapped ? 4 : 16
  return true
}

function readDottedQuad(text: string, into: Uint8Array): boolean {
  if (text.length > 15) return false
  let value = 0
  let digits = 0
  let at = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === DOT) {
      if (digits === 0 || at === 3) return false
      into[at++] = value
      value = 0
      digits = 0
    } else {
      const digit = code - ZERO
      if (digit < 0 || digit > 9) return false
      value = value * 10 + digit
      digits++
      if (digits > 3 || value > 255) return false
    }
  }
  if (at !== 3 || digits === 0) return false
  into[3] = value
  return true
}

/** As `readIp`, for addresses that are read once. */
export function addressFrom(text: string, port: number): Address | undefined {
  const scratch = createIpScratch()
  if (!readIp(text, scratch)) return undefined
  return { ip: scratch.bytes.slice(scratch.at, scratch.at + scratch.length), port }
}

/** Text to send to `ip` from a socket of `family`; `undefined` when that socket cannot reach it. */
export function sendText(ip: Uint8Array, family: 4 | 6): string | undefined {
  if (ip.length === 16) return family === 6 ? formatIp(ip) : undefined
  return family === 4 ? formatIp(ip) : `::ffff:${formatIp(ip)}`
}
