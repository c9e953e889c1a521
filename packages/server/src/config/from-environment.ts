import { fromText } from "./from-text.ts"
import { ENV_PREFIX, keys } from "./keys.ts"
import { nearMiss } from "./near-miss.ts"
import type { Layer, Setting } from "./setting.ts"

const byEnv = new Map(keys.map(key => [key.env, key]))

/** Reads what the environment sets. A variable with our prefix that names no key is a mistake. */
export function fromEnvironment(environment: Readonly<Record<string, string | undefined>>): Layer {
  const settings: Setting[] = []
  const problems: string[] = []
  for (const [name, text] of Object.entries(environment)) {
    if (text === undefined || !name.startsWith(ENV_PREFIX)) continue
    const key = byEnv.get(name)
    if (key === undefined) {
      const near = nearMiss(name, byEnv.keys())
      problems.push(`${name} is not a setting.${near === undefined ? "" : ` Did you mean ${near}?`}`)
    } else settings.push({ path: key.path, value: fromText(key, text), where: name })
  }
  return { settings, problems }
}
