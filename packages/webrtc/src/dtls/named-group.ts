import type { Group } from "../crypto/index.ts"

/** RFC 8446 §4.2.7; the hybrid's is in IANA's registry. */
const CODES: Readonly<Record<Group, number>> = {
  X25519MLKEM768: 0x11ec,
  x25519: 0x001d,
  secp256r1: 0x0017,
  secp384r1: 0x0018,
}

const GROUPS = new Map<number, Group>((Object.keys(CODES) as Group[]).map(group => [CODES[group], group]))

export function groupCode(group: Group): number {
  return CODES[group]
}

export function groupOf(code: number): Group | undefined {
  return GROUPS.get(code)
}

/** The hybrid is a group of 1.3 alone. */
export function isForVersion12(group: Group): boolean {
  return group !== "X25519MLKEM768"
}

export function describeGroup(code: number): string {
  return groupOf(code) ?? `0x${code.toString(16).padStart(4, "0")}`
}
