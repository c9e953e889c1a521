/** SHA-256 of the chunks of a file, and of these: so a file that came in parts is verified as a whole. */

export const HASH_SIZE = 32

const digest = async (bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))

/** Of one chunk. */
export const leafOf: (chunk: Uint8Array<ArrayBuffer>) => Promise<Uint8Array<ArrayBuffer>> = digest

/** Of a file, from the leaves of its chunks in order. An empty file has none. */
export function rootOf(leaves: readonly Uint8Array[]): Promise<Uint8Array<ArrayBuffer>> {
  const all = new Uint8Array(leaves.length * HASH_SIZE)
  for (const [i, leaf] of leaves.entries()) all.set(leaf, i * HASH_SIZE)
  return digest(all)
}

export function sameHash(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}
