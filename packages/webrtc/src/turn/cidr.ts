import { parseIp } from "../bytes/index.ts"

/** A range of addresses: those that begin with the first `bits` bits of `ip`. */
export class Cidr {
  readonly ip: Uint8Array
  readonly bits: number

  constructor(ip: Uint8Array, bits: number) {
    this.ip = ip
    this.bits = bits
  }

  /** Whether the 4 or 16 bytes are of this range. Both are compared as one number, most significant bit first. */
  contains(ip: Uint8Array): boolean {
    if (ip.length !== this.ip.length) return false
    const whole = this.bits >> 3
    for (let i = 0; i < whole; i++) if (ip[i] !== this.ip[i]) return false
    const rest = this.bits & 7
    return rest === 0 || (ip[whole]! ^ this.ip[whole]!) >> (8 - rest) === 0
  }
}

/**
 * Reads `10.0.0.0/8`, `2001:db8::/32`, or one address. Throws a TypeError that names what it cannot read: a
 * rule that is silently left out is a hole. Bits set behind the prefix are such a mistake too.
 */
export function parseCidr(text: string, what: string): Cidr {
  const wrong = (why: string) => new TypeError(`${what}: ${JSON.stringify(text)} ${why}`)
  const slash = text.indexOf("/")
  const ip = parseIp(slash < 0 ? text : text.slice(0, slash))
  if (ip === undefined) throw wrong("is no IP address or CIDR range")
  if (slash < 0) return new Cidr(ip, ip.length * 8)
  const prefix = text.slice(slash + 1)
  if (!/^(0|[1-9]\d{0,2})$/.test(prefix) || Number(prefix) > ip.length * 8) {
    throw wrong(`has no prefix length of 0 to ${ip.length * 8}`)
  }
  const bits = Number(prefix)
  for (let i = bits; i < ip.length * 8; i++) {
    if ((ip[i >> 3]! >> (7 - (i & 7))) & 1) throw wrong("has bits set behind its prefix")
  }
  return new Cidr(ip, bits)
}
