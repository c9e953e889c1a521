import type { Key } from "./keys.ts"

/** Environment variables and flags are text: what they say, in the type of the key. Bad text stays text, and is refused later. */
export function fromText(key: Key, text: string): unknown {
  if (key.type === "number") return /^-?\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : text
  if (key.type === "boolean") return text === "true" ? true : text === "false" ? false : text
  if (key.type === "string") return text
  return text
    .split(",")
    .map(item => item.trim())
    .filter(item => item !== "")
}
