import assert from "node:assert/strict"
import { resolve } from "node:path"
import { test } from "node:test"
import { gzipSync } from "node:zlib"
import { build } from "esbuild"

/** What the hooks add to a page that has React and the SDK, minified and gzipped. */
const BUDGET = 2 * 1024

test(`the hooks fit into ${BUDGET} bytes`, async t => {
  const { outputFiles } = await build({
    entryPoints: [resolve(import.meta.dirname, "index.ts")],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    external: ["react", "@tightbeam/client"],
    write: false,
  })
  const size = gzipSync(outputFiles[0]!.contents, { level: 9 }).length
  t.diagnostic(`${size} bytes`)
  assert.ok(size <= BUDGET, `${size} bytes`)
})
