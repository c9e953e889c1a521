import type { Key } from "./keys.ts"

/** Environment variables and flags are text: what they say, in the type of the key. Bad text stays text, and is refused later. */
export function fromText(key: Key, text: string): unknown {
  switch (key.type) {
    case "number":
      return /^-?\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : text
    case "boolean":
      return text === "true" ? true : text === "false" ? false : text
    case "list":
      return text
        .split(",")
        .map(item => item.trim())
        .filter(item => item !== "")
    case "string":
      return text
  }
}
