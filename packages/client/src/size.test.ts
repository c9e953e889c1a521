import assert from "node:assert/strict"
import { resolve } from "node:path"
import { test } from "node:test"
import { gzipSync } from "node:zlib"
import { build } from "esbuild"

/** What a page loads of the SDK before it needs anything special, minified and gzipped. */
const BUDGET = 12 * 1024

test(`the SDK fits into ${BUDGET} bytes`, async t => {
  const { outputFiles } = await build({
    entryPoints: [resolve(import.meta.dirname, "index.ts")],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    splitting: true,
    outdir: "dist",
    write: false,
  })
  // What is imported on demand is a file of its own; what the entry imports at once counts with it.
  const entry = outputFiles.find(file => file.path.endsWith("/index.js"))!
  const atOnce = [...entry.text.matchAll(/(?:import|from)"\.\/([^"]+)"/g)].map(([, name]) => name!)
  const loaded = [entry, ...outputFiles.filter(file => atOnce.some(name => file.path.endsWith(`/${name}`)))]
  const size = loaded.reduce((sum, { contents }) => sum + gzipSync(contents, { level: 9 }).length, 0)
  const onDemand = outputFiles
    .filter(file => !loaded.includes(file))
    .reduce((sum, { contents }) => sum + gzipSync(contents, { level: 9 }).length, 0)
  t.diagnostic(
    `${size} bytes at once, ${((100 * size) / BUDGET).toFixed(0)} % of the budget; ${onDemand} more on demand`,
  )
  assert.ok(size <= BUDGET, `${size} bytes`)
})
