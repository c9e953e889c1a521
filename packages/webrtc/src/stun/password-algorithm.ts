import { readUint16, writeUint16 } from "../bytes/index.ts"

/** What a long-term key is derived with (RFC 8489 §18.5). */
export const PasswordAlgorithm = { md5: 1, sha256: 2 } as const
export type PasswordAlgorithm = (typeof PasswordAlgorithm)[keyof typeof PasswordAlgorithm]

/** The number, and the length of its parameters: neither algorithm has any (RFC 8489 §14.11). */
const ENTRY_LENGTH = 4

/** The value of PASSWORD-ALGORITHMS that lists these, the preferred one first. */
export function passwordAlgorithmsValue(algorithms: readonly PasswordAlgorithm[]): Uint8Array {
  const value = new Uint8Array(ENTRY_LENGTH * algorithms.length)
  for (const [i, algorithm] of algorithms.entries()) writeUint16(value, ENTRY_LENGTH * i, algorithm)
  return value
}

/** Reads a value of PASSWORD-ALGORITHM; `undefined` for what is unknown, unreadable, or has parameters. */
export function readPasswordAlgorithm(value: Uint8Array): PasswordAlgorithm | undefined {
  if (value.length !== ENTRY_LENGTH || readUint16(value, 2) !== 0) return undefined
  const number = readUint16(value, 0)
  return number === PasswordAlgorithm.md5 || number === PasswordAlgorithm.sha256 ? number : undefined
}
