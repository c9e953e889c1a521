/**
 * IP addresses as bytes: 4 for IPv4, 16 for IPv6. Text is for people and for configuration only;
 * every decision is made on bytes, where one address has one form.
 */

/** An IP address (4 or 16 bytes, network order) with a port, 0–65535. */
export interface Address {
  readonly ip: Uint8Array
  readonly port: number
}

/** Reads dotted-quad or RFC 4291 §2.2 text; `undefined` when it is neither. Zone ids are refused. */
export function parseIp(text: string): Uint8Array | undefined {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text)
}

function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split(".")
  if (parts.length !== 4) return undefined
  const ip = new Uint8Array(4)
  for (let i = 0; i < 4; i++) {
    // No leading zeros: "010.0.0.1" is octal to some readers and decimal to others.
    if (!/^(0|[1-9]\d{0,2})$/.test(parts[i]!)) return undefined
    const value = Number(parts[i])
    if (value > 255) return undefined
    ip[i] = value
  }
  return ip
}

function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split("::")
  if (halves.length > 2) return undefined
  const head = parseGroups(halves[0]!, halves.length === 1)
  const tail = halves.length === 2 ? parseGroups(halves[1]!, true) : []
  if (head === undefined || tail === undefined) return undefined
  const missing = 16 - head.length - tail.length
  // "::" stands for at least one group (RFC 5952 §4.2.2).
  if (halves.length === 2 ? missing < 2 : missing !== 0) return undefined
  const ip = new Uint8Array(16)
  ip.set(head, 0)
  ip.set(tail, 16 - tail.length)
  return ip
}

function parseGroups(text: string, mayEndInIpv4: boolean): number[] | undefined {
  if (text === "") return []
  const groups = text.split(":")
  const bytes: number[] = []
  for (const [i, group] of groups.entries()) {
    if (group.includes(".")) {
      const v4 = mayEndInIpv4 && i === groups.length - 1 ? parseIpv4(group) : undefined
      if (v4 === undefined) return undefined
      bytes.push(...v4)
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined
      const value = Number.parseInt(group, 16)
      bytes.push(value >> 8, value & 0xff)
    }
  }
  return bytes.length > 16 ? undefined : bytes
}

/** Canonical text: dotted quad, or RFC 5952 for IPv6. */
export function formatIp(ip: Uint8Array): string {
  if (ip.length === 4) return ip.join(".")
  if (isIpv4Mapped(ip)) return `::ffff:${ip.subarray(12).join(".")}`
  const groups = Array.from({ length: 8 }, (_, i) => (ip[2 * i]! << 8) | ip[2 * i + 1]!)
  const { start, length } = longestZeroRun(groups)
  const hex = (from: number, to: number) =>
    groups
      .slice(from, to)
      .map(group => group.toString(16))
      .join(":")
  return length < 2 ? hex(0, 8) : `${hex(0, start)}::${hex(start + length, 8)}`
}

function longestZeroRun(groups: number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  for (let i = 0; i < 8; i++) {
    let end = i
    while (end < 8 && groups[end] === 0) end++
    if (end - i > best.length) best = { start: i, length: end - i }
    if (end > i) i = end
  }
  return best
}

/** `203.0.113.1:3478` or `[2001:db8::1]:3478`. */
export function formatAddress({ ip, port }: Address): string {
  return ip.length === 4 ? `${formatIp(ip)}:${port}` : `[${formatIp(ip)}]:${port}`
}

/** What counts as one client: an IPv4 address, or an IPv6 /64, as one home or host has a whole one of those. */
export function addressGroup(ip: Uint8Array): string {
  if (ip.length === 4) return ip.join(".")
  if (isIpv4Mapped(ip)) return ip.subarray(12).join(".")
  const network = new Uint8Array(16)
  network.set(ip.subarray(0, 8))
  return `${formatIp(network)}/64`
}

/** Whether the 16 bytes are `::ffff:a.b.c.d` (RFC 4291 §2.5.5.2). */
export function isIpv4Mapped(ip: Uint8Array): boolean {
  if (ip.length !== 16 || ip[10] !== 0xff || ip[11] !== 0xff) return false
  for (let i = 0; i < 10; i++) if (ip[i] !== 0) return false
  return true
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

export function equalAddress(a: Address, b: Address): boolean {
  return a.port === b.port && equalBytes(a.ip, b.ip)
}
