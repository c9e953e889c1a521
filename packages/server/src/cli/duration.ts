const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 }

/** `90s`, `15m`, `1h`, `7d`, or seconds alone: in seconds; `undefined` when it is none of these, or 0. */
export function parseDuration(text: string): number | undefined {
  const [, digits, unit] = /^(\d{1,9})([smhd]?)$/.exec(text) ?? []
  if (digits === undefined) return undefined
  const seconds = Number(digits) * UNITS[unit || "s"]!
  return seconds > 0 ? seconds : undefined
}
