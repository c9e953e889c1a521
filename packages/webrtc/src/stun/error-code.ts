import { Attribute } from "./attributes.ts"
import type { StunMessage } from "./message.ts"

/** Reason phrases are the sender's free text, not authenticated: kept short and free of controls. */
export const MAX_REASON_LENGTH = 128

export interface StunError {
  /** 300–699 (RFC 8489 §14.8). */
  readonly code: number
  /** For diagnosis; at most 128 characters, controls replaced. Whoever shows it escapes it. */
  readonly reason: string
}

/** What an error response says; `undefined` when it has no readable ERROR-CODE (RFC 8489 §14.8). */
export function readErrorCode(message: StunMessage): StunError | undefined {
  const value = message.value(Attribute.errorCode)
  if (value === undefined || value.length < 4) return undefined
  const hundreds = value[2]! & 0b111
  const number = value[3]!
  if (hundreds < 3 || hundreds > 6 || number > 99) return undefined
  const text = new TextDecoder().decode(value.subarray(4, 4 + 4 * MAX_REASON_LENGTH))
  const reason = text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, "\ufffd").slice(0, MAX_REASON_LENGTH)
  return { code: hundreds * 100 + number, reason }
}
