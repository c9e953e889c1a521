import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { test } from "node:test"
import { networkTypes } from "./network-types.ts"
import { judge } from "./oracle/judge.ts"

const page = readFileSync(new URL("../../../../docs/networks.md", import.meta.url), "utf8")

/** What the page says in a letter. */
function letter(a: number, b: number): string {
  const ends = [[networkTypes[a]!.seat()], [networkTypes[b]!.seat()]] as const
  if (judge({ ends, turn: false, tcp: false }).outcome === "direct") return "D"
  return judge({ ends, turn: false, tcp: true }).outcome === "direct" ? "T" : "R"
}

test("docs/networks.md says of each pair of networks what theory says", () => {
  const heads = networkTypes.map((_, column) => String(column + 1).padStart(3)).join("")
  const rows = networkTypes.map(({ short }, row) => {
    const letters = networkTypes.map((_, column) => letter(row, column).padStart(3)).join("")
    return `${String(row + 1).padStart(2)} ${short.padEnd(9)}${letters}`
  })
  const table = [" ".repeat(12) + heads, ...rows].join("\n")
  assert.ok(page.includes(table), `docs/networks.md should say:\n${table}`)
})

test("docs/networks.md has a line about each kind of network", () => {
  for (const { name, short } of networkTypes) assert.ok(page.includes(`| \`${short}\` | ${name}`), name)
})
