import { escapeText } from "./escape.ts"

export const LEVELS = ["debug", "info", "warn", "error"] as const
export type Level = (typeof LEVELS)[number]

/** What is known beside the message: small values with plain names. Never a secret, token or credential. */
export type Fields = Readonly<Record<string, string | number | boolean | undefined>>

/** `message` is a constant sentence of ours; all that varies goes into `fields`. */
export interface Log {
  debug(message: string, fields?: Fields): void
  info(message: string, fields?: Fields): void
  warn(message: string, fields?: Fields): void
  error(message: string, fields?: Fields): void
}

export interface LogOptions {
  readonly level: Level
  /** `text`: one line for people. `json`: one object a line. */
  readonly form: "text" | "json"
  /** Takes one line without its end. */
  readonly write: (line: string) => void
  readonly now?: () => Date
}

export function createLog({ level, form, write, now = () => new Date() }: LogOptions): Log {
  const least = LEVELS.indexOf(level)
  const line = form === "json" ? jsonLine : textLine
  const at =
    (own: Level) =>
    (message: string, fields: Fields = {}): void => {
      if (LEVELS.indexOf(own) >= least) write(line(now(), own, message, fields))
    }
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") }
}

function textLine(time: Date, level: Level, message: string, fields: Fields): string {
  const parts = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${textValue(value!)}`)
  return [time.toTimeString().slice(0, 8), level.padEnd(5), message, ...parts].join("  ")
}

function textValue(value: string | number | boolean): string {
  if (typeof value !== "string") return String(value)
  const escaped = escapeText(value)
  return /^[^\s"=]+$/.test(escaped) ? escaped : `"${escaped.replaceAll(/["\\]/g, "\\$&")}"`
}

function jsonLine(time: Date, level: Level, message: string, fields: Fields): string {
  const safe = Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === "string" ? escapeText(value) : value,
    ]),
  )
  return JSON.stringify({ time: time.toISOString(), level, message, ...safe })
}

/** What a caught value says of itself, for a field. */
export function errorText(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
