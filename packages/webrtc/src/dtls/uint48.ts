import { readUint16, readUint32, writeUint16, writeUint32 } from "../bytes/index.ts"

/** Record sequence numbers have 48 bits (RFC 6347 §4.1), and are exact as numbers. */
export const MAX_UINT48: number = 2 ** 48 - 1

export function readUint48(bytes: Uint8Array, at: number): number {
  return readUint16(bytes, at) * 2 ** 32 + readUint32(bytes, at + 2)
}

export function writeUint48(bytes: Uint8Array, at: number, value: number): void {
  writeUint16(bytes, at, Math.floor(value / 2 ** 32))
  writeUint32(bytes, at + 2, value % 2 ** 32)
}
