import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { test } from "node:test"
import { fileURLToPath } from "node:url"

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))

test("The README's example runs, and says what the README says", () => {
  const [, example] = /```ts\n(import [^]*?)```/.exec(readFileSync(at("../README.md"), "utf8"))!
  // Within the package, where its own name means itself.
  const file = at(`../readme-example-${process.pid}.ts`)
  writeFileSync(file, example!)
  try {
    const run = () =>
      spawnSync(process.execPath, ["--conditions=@tightbeam/source", file], { encoding: "utf8" })
    const { stdout, stderr, status } = run()
    assert.equal(status, 0, stderr)
    assert.match(
      stdout,
      /^[\d.]+ ms: ada hears "hello Ada"\n[\d.]+ ms: ben hears "hello Ben"\n[0-9a-f]{16}\nsequenceDiagram\n/,
    )
    assert.match(stdout, /filtered \(office\)/)
    assert.equal(run().stdout, stdout, "the same seed, the same run")
  } finally {
    rmSync(file)
  }
})
