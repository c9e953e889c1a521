/** Base64 (RFC 4648 §4) of bytes into bytes: for nonces and passwords, which are ASCII on the wire. */

const ALPHABET = new TextEncoder().encode("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
const PAD = 0x3d

const VALUES: Int8Array = new Int8Array(256).fill(-1)
for (const [value, character] of ALPHABET.entries()) VALUES[character] = value

export function encodeBase64(bytes: Uint8Array): Uint8Array {
  const text = new Uint8Array(4 * Math.ceil(bytes.length / 3)).fill(PAD)
  for (let from = 0, to = 0; from < bytes.length; from += 3, to += 4) {
    const left = bytes.length - from
    const group = (bytes[from]! << 16) | ((bytes[from + 1] ?? 0) << 8) | (bytes[from + 2] ?? 0)
    text[to] = ALPHABET[group >> 18]!
    text[to + 1] = ALPHABET[(group >> 12) & 63]!
    if (left > 1) text[to + 2] = ALPHABET[(group >> 6) & 63]!
    if (left > 2) text[to + 3] = ALPHABET[group & 63]!
  }
  return text
}

/** Whole groups without padding only; `undefined` for anything else. */
export function decodeBase64(text: Uint8Array): Uint8Array | undefined {
  if (text.length % 4 !== 0) return undefined
  const bytes = new Uint8Array((text.length / 4) * 3)
  for (let from = 0, to = 0; from < text.length; from += 4, to += 3) {
    const a = VALUES[text[from]!]!
    const b = VALUES[text[from + 1]!]!
    const c = VALUES[text[from + 2]!]!
    const d = VALUES[text[from + 3]!]!
    if ((a | b | c | d) < 0) return undefined
    const group = (a << 18) | (b << 12) | (c << 6) | d
    bytes[to] = group >> 16
    bytes[to + 1] = group >> 8
    bytes[to + 2] = group
  }
  return bytes
}
