import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { type Key, keys } from "./keys.ts"

const documentation = readFileSync(join(import.meta.dirname, "../../../../docs/configuration.md"), "utf8")

/** How `docs/configuration.md` describes a key. */
function entry({ path, env, flag, legal, description, default: byDefault }: Key): string {
  const shown = byDefault === undefined ? "none" : `\`${JSON.stringify(byDefault)}\``
  return [
    `### \`${path}\``,
    "",
    description,
    "",
    `Legal: ${legal}. Default: ${shown}.`,
    `\`${env}\`, \`${flag}\``,
  ].join("\n")
}

test("docs/configuration.md describes every key as it is, and no other", () => {
  for (const key of keys)
    assert.ok(documentation.includes(`${entry(key)}\n`), `docs/configuration.md must say:\n\n${entry(key)}`)
  const described = [...documentation.matchAll(/^### `(.+)`$/gm)].map(match => match[1])
  assert.deepEqual(
    described,
    keys.map(key => key.path),
  )
})
