import assert from "node:assert/strict"
import { resolve } from "node:path"
import { test } from "node:test"
import { gzipSync } from "node:zlib"
import { build } from "esbuild"

/** What a page pays for the whole SDK, minified and gzipped. */
const BUDGET = 12 * 1024

test(`the SDK fits into ${BUDGET} bytes`, async t => {
  const { outputFiles } = await build({
    entryPoints: [resolve(import.meta.dirname, "index.ts")],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    write: false,
  })
  const size = gzipSync(outputFiles[0]!.contents, { level: 9 }).length
  t.diagnostic(`${size} bytes, ${((100 * size) / BUDGET).toFixed(0)} % of the budget`)
  assert.ok(size <= BUDGET, `${size} bytes`)
})
