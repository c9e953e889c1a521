export const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193

/** FNV-1a, gone on with: of two contents of one length that differ in one byte the results differ always. */
export function taste(hash: number, bytes: Uint8Array): number {
  return tasteRange(hash, bytes, 0, bytes.length)
}

/** As `taste`, of `bytes[at, at + length)`. */
export function tasteRange(hash: number, bytes: Uint8Array, at: number, length: number): number {
  let next = hash
  for (let i = at; i < at + length; i++) next = Math.imul(next ^ bytes[i]!, FNV_PRIME)
  return next
}

/** As many bytes as are asked for, of one hash. */
export function stretch(hash: number, size: number): Uint8Array {
  const result = new Uint8Array(size)
  maskRange(hash, result, 0, size)
  return result
}

/** Puts what a hash is stretched to over `bytes[at, at + length)`; twice is as before. */
export function maskRange(hash: number, bytes: Uint8Array, at: number, length: number): void {
  let next = hash
  for (let i = 0; i < length; i++) {
    next = Math.imul(next ^ (next >>> 15), 0x2c1b3c6d) + i
    bytes[at + i]! ^= next >>> 24
  }
}
