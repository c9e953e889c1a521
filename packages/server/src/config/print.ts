import { z } from "zod"
import { keys } from "./keys.ts"
import type { Loaded } from "./load.ts"
import { configSchema, SECRET_KEYS } from "./schema.ts"

/** The effective configuration, one key a line, with where each value came from; secrets are masked. */
export function describeConfig({ config, origins }: Loaded): string {
  const rows = keys.map(({ path }) => {
    const value = path
      .split(".")
      .reduce<unknown>((section, part) => Reflect.get(section as object, part), config)
    const shown =
      value === undefined ? "(not set)" : SECRET_KEYS.has(path) ? "(hidden)" : JSON.stringify(value)
    return [path, shown, origins.get(path) ?? "default"] as const
  })
  const width = (column: 0 | 1): number => Math.max(...rows.map(row => row[column].length))
  return rows
    .map(([path, shown, where]) => `${path.padEnd(width(0))}  ${shown.padEnd(width(1))}  ${where}`)
    .join("\n")
}

/** JSON Schema (2020-12) of the configuration file, for editors. */
export function configJsonSchema(): string {
  return JSON.stringify({ title: "Tightbeam", ...z.toJSONSchema(configSchema, { io: "input" }) }, null, 2)
}
