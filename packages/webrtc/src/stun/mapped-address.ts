import { readUint16 } from "../bytes/index.ts"
import type { StunMessage } from "./message.ts"
import { type AddressSlot, addressSize } from "./xor-address.ts"

/**
 * Reads attribute `index` of `message` as MAPPED-ADDRESS and ALTERNATE-SERVER have their address: as it is
 * (RFC 8489 §14.1, §14.15). False when it is none.
 */
export function readMappedAddress(message: StunMessage, index: number, into: AddressSlot): boolean {
  const size = addressSize(message, index)
  if (size === 0) return false
  const { bytes } = message
  const at = message.valueAt(index)
  into.port = readUint16(bytes, at + 2)
  const ip = into.choose(size)
  for (let i = 0; i < size; i++) ip[i] = bytes[at + 4 + i]!
  return true
}
