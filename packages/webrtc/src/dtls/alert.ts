import type { DtlsVersion } from "./options.ts"

/** RFC 8446 §6, RFC 5246 §7.2. */
export const AlertDescription = {
  close_notify: 0,
  unexpected_message: 10,
  bad_record_mac: 20,
  record_overflow: 22,
  handshake_failure: 40,
  bad_certificate: 42,
  unsupported_certificate: 43,
  certificate_revoked: 44,
  certificate_expired: 45,
  certificate_unknown: 46,
  illegal_parameter: 47,
  unknown_ca: 48,
  access_denied: 49,
  decode_error: 50,
  decrypt_error: 51,
  too_many_cids_requested: 52,
  protocol_version: 70,
  insufficient_security: 71,
  internal_error: 80,
  inappropriate_fallback: 86,
  user_canceled: 90,
  no_renegotiation: 100,
  missing_extension: 109,
  unsupported_extension: 110,
  unrecognized_name: 112,
  certificate_required: 116,
  no_application_protocol: 120,
} as const
export type AlertDescription = keyof typeof AlertDescription

const NAMES = new Map<number, string>(Object.entries(AlertDescription).map(([name, code]) => [code, name]))

export function alertName(code: number): string {
  return NAMES.get(code) ?? `alert ${code}`
}

export const ALERT_LENGTH = 2
const WARNING = 1
const FATAL = 2

/** The two bytes of an alert. */
export function alertBytes(description: AlertDescription): Uint8Array {
  const isWarning = description === "close_notify" || description === "no_renegotiation"
  return Uint8Array.of(isWarning ? WARNING : FATAL, AlertDescription[description])
}

/** Of 1.2 one of level "warning" ends nothing (RFC 5246 §7.2.2), of 1.3 the level says nothing (RFC 8446 §6). */
export function isFatal(level: number, code: number, version: DtlsVersion | undefined): boolean {
  return (
    (level !== WARNING || version === "1.3") &&
    code !== AlertDescription.user_canceled &&
    code !== AlertDescription.close_notify &&
    code !== AlertDescription.no_renegotiation
  )
}
