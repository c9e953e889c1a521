import { z } from "zod"
import { configSchema, legal } from "./schema.ts"

/** One key of the configuration, and its name in each place that can set it. */
export interface Key {
  /** `turn.relayPorts.min`. */
  readonly path: string
  /** `TIGHTBEAM__TURN__RELAY_PORTS__MIN`. */
  readonly env: string
  /** `--turn.relayPorts.min`. */
  readonly flag: string
  readonly type: "string" | "number" | "boolean" | "list"
  readonly schema: z.ZodType
  readonly legal: string
  readonly description: string
  /** `undefined` where there is none. */
  readonly default: unknown
}

export const ENV_PREFIX = "TIGHTBEAM__"

/** Every key, in the order of the schema. */
export const keys: readonly Key[] = collect(configSchema, [])
export const keyByPath: ReadonlyMap<string, Key> = new Map(keys.map(key => [key.path, key]))

/** Every section, however deep: `turn`, `turn.relayPorts`. */
export const sections: ReadonlySet<string> = new Set(
  keys.flatMap(({ path }) => {
    const parts = path.split(".")
    return parts.slice(1).map((_, i) => parts.slice(0, i + 1).join("."))
  }),
)

function collect(section: z.ZodObject, above: readonly string[]): Key[] {
  return Object.entries(section.shape as Record<string, z.ZodType>).flatMap(([name, schema]) => {
    const parts = [...above, name]
    const inner = schema instanceof z.ZodPrefault ? schema.unwrap() : schema
    if (inner instanceof z.ZodObject) return collect(inner, parts)
    return [
      {
        path: parts.join("."),
        env: ENV_PREFIX + parts.map(part => part.replace(/[A-Z]/g, "_$&").toUpperCase()).join("__"),
        flag: `--${parts.join(".")}`,
        type: typeOf(schema),
        schema,
        legal: legal.get(schema)!.legal,
        description: schema.description!,
        default: schema.safeParse(undefined).data,
      },
    ]
  })
}

function typeOf(schema: z.ZodType): Key["type"] {
  const { type } = z.toJSONSchema(schema, { io: "input" })
  if (type === "integer") return "number"
  if (type === "array") return "list"
  return type === "boolean" ? "boolean" : "string"
}
