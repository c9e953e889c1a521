import { ascii, concat } from "./codec.ts"

/** DER (X.690), as much of it as a certificate takes to write. */

/** Identifier octets (X.690 §8.1.2). */
export const Tag = {
  integer: 0x02,
  bitString: 0x03,
  null: 0x05,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  /** Of a SEQUENCE's first optional field, constructed. */
  context0: 0xa0,
} as const

/** One value of what `parts` are together. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const value = concat(...parts)
  return concat(Uint8Array.of(tag, ...lengthOctets(value.length)), value)
}

export function sequence(...parts: readonly Uint8Array[]): Uint8Array {
  return der(Tag.sequence, ...parts)
}

/** `1.2.840…`, of arcs below 2³² (X.690 §8.19). */
export function objectIdentifier(text: string): Uint8Array {
  const [first, second, ...rest] = text.split(".").map(Number)
  return der(Tag.objectIdentifier, Uint8Array.from([40 * first! + second!, ...rest].flatMap(base128)))
}

/** Of whole bytes. */
export function bitString(bytes: Uint8Array): Uint8Array {
  return der(Tag.bitString, Uint8Array.of(0), bytes)
}

export function utf8String(text: string): Uint8Array {
  return der(Tag.utf8String, new TextEncoder().encode(text))
}

/** RFC 5280 §4.1.2.5: whole seconds, in UTC, with two digits of the year through 2049. `ms` since 1970. */
export function time(ms: number): Uint8Array {
  const digits = new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, "")
  const year = Number(digits.slice(0, 4))
  return year >= 1950 && year < 2050
    ? der(Tag.utcTime, ascii(digits.slice(2)))
    : der(Tag.generalizedTime, ascii(digits))
}

function lengthOctets(length: number): number[] {
  if (length < 0x80) return [length]
  const octets: number[] = []
  for (let rest = length; rest > 0; rest >>>= 8) octets.unshift(rest & 0xff)
  return [0x80 | octets.length, ...octets]
}

function base128(arc: number): number[] {
  const octets = [arc % 128]
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128))
    octets.unshift(0x80 | (rest % 128))
  return octets
}
