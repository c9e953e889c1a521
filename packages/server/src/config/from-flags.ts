import { fromText } from "./from-text.ts"
import { type Key, keys } from "./keys.ts"
import { nearMiss } from "./near-miss.ts"
import type { Layer, Setting } from "./setting.ts"

const ALIASES: Readonly<Record<string, string>> = { "--port": "--http.port" }
const byFlag = new Map(keys.map(key => [key.flag, key]))

/** A flag of one command, beside those that set a key. */
export interface OwnFlag {
  readonly takesValue: boolean
}

export interface Flags extends Layer {
  /** `--config`, and the command's own flags, by name without dashes; `true` where a flag takes no value. */
  readonly own: ReadonlyMap<string, string | true>
}

/**
 * Reads the arguments after the command: `--key value`, `--key=value`, and `--key` alone for booleans.
 * Lists are separated by commas, or the flag is given again.
 */
export function fromFlags(args: readonly string[], ownFlags: Readonly<Record<string, OwnFlag>>): Flags {
  const known: Readonly<Record<string, OwnFlag>> = { config: { takesValue: true }, ...ownFlags }
  const settings: Setting[] = []
  const problems: string[] = []
  const own = new Map<string, string | true>()
  const waiting = [...args]
  const valueOf = (flag: string, inline: string | undefined): string | undefined => {
    if (inline !== undefined) return inline
    if (waiting[0] !== undefined && !waiting[0].startsWith("--")) return waiting.shift()
    problems.push(`${flag} needs a value: ${flag} VALUE`)
    return undefined
  }
  for (let argument = waiting.shift(); argument !== undefined; argument = waiting.shift()) {
    if (!argument.startsWith("--")) {
      problems.push(`"${argument}" is not understood: flags begin with --, as --http.port 8443 does`)
      continue
    }
    const equals = argument.indexOf("=")
    const flag = equals < 0 ? argument : argument.slice(0, equals)
    const inline = equals < 0 ? undefined : argument.slice(equals + 1)
    const key = byFlag.get(ALIASES[flag] ?? flag)
    const ownFlag = Object.hasOwn(known, flag.slice(2)) ? known[flag.slice(2)] : undefined
    if (ownFlag !== undefined) {
      const value = ownFlag.takesValue ? valueOf(flag, inline) : true
      if (value !== undefined) own.set(flag.slice(2), value)
    } else if (key === undefined) {
      const near = nearMiss(flag, [
        ...byFlag.keys(),
        ...Object.keys(ALIASES),
        ...Object.keys(known).map(name => `--${name}`),
      ])
      problems.push(`${flag} is not a flag.${near === undefined ? "" : ` Did you mean ${near}?`}`)
      if (inline === undefined && waiting[0] !== undefined && !waiting[0].startsWith("--")) waiting.shift()
    } else {
      const text =
        key.type === "boolean" && inline === undefined && !/^(true|false)$/.test(waiting[0] ?? "")
          ? "true"
          : valueOf(flag, inline)
      if (text !== undefined) add(settings, key, flag, text)
    }
  }
  return { settings, problems, own }
}

function add(settings: Setting[], key: Key, where: string, text: string): void {
  const value = fromText(key, text)
  const before = settings.findIndex(setting => setting.path === key.path)
  if (key.type === "list" && before >= 0) {
    const joined = [...(settings[before]!.value as unknown[]), ...(value as unknown[])]
    settings[before] = { path: key.path, value: joined, where }
  } else settings.push({ path: key.path, value, where })
}
