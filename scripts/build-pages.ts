/**
 * Bundles the pages into packages/server/pages: index.html, and assets named by their content; and the SDK for script
 * tags, as tightbeam.js.
 *
 *   node scripts/build-pages.ts             what is shipped
 *   node scripts/build-pages.ts --gallery   and gallery.html: every state of the pages, without a server
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { basename, join, resolve } from "node:path"
import { gzipSync } from "node:zlib"
import { build, type Metafile } from "esbuild"

const root = resolve(import.meta.dirname, "..")
const source = join(root, "packages/web/src")

const SCRIPT_TAG = "tightbeam.js"

/** The oldest that the pages and the SDK run in. */
const BROWSERS = ["chrome123", "firefox121", "safari17.5"]

/** What the first visit may load as script before it shows, gzipped, bytes. */
const BUDGET = 45 * 1024

export interface BuiltPages {
  /** Where index.html is. */
  readonly folder: string
  /** The script of index.html and what it imports at once, gzipped, bytes. */
  readonly scriptSize: number
  readonly styleSize: number
}

/** Throws where the script is over its budget. */
export async function buildPages({
  gallery = false,
  folder = join(root, "packages/server/pages"),
}: {
  gallery?: boolean
  folder?: string
} = {}): Promise<BuiltPages> {
  const entries = {
    main: join(source, "main.tsx"),
    style: join(source, "styles/index.css"),
    favicon: join(source, "assets/favicon.svg"),
    ...(gallery && { gallery: join(source, "gallery/main.tsx") }),
  }
  const { metafile, outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: entries,
    outdir: join(folder, "assets"),
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    // What is imported only when it is needed is a file of its own.
    splitting: true,
    loader: { ".svg": "copy" },
    bundle: true,
    minify: true,
    sourcemap: true,
    metafile: true,
    write: false,
    format: "esm",
    target: BROWSERS,
    jsx: "automatic",
    jsxImportSource: "preact",
    conditions: ["@tightbeam/source"],
    legalComments: "none",
    logLevel: "warning",
  })

  rmSync(folder, { recursive: true, force: true })
  mkdirSync(join(folder, "assets"), { recursive: true })
  for (const { path, contents } of outputFiles) writeFileSync(path, contents)

  await buildScriptTag(join(folder, SCRIPT_TAG))

  const asset = (entry: string): string => basename(outputOf(metafile, entry))
  const style = asset(entries.style)
  const favicon = asset(entries.favicon)
  const script = asset(entries.main)
  writeFileSync(join(folder, "index.html"), page("Tightbeam", script, style, favicon))
  if ("gallery" in entries && entries.gallery)
    writeFileSync(
      join(folder, "gallery.html"),
      page("Tightbeam gallery", asset(entries.gallery), style, favicon),
    )

  const gzipped = (name: string): number => gzipSync(readFileSync(join(folder, "assets", name))).length
  const scripts = atOnce(metafile.outputs, outputOf(metafile, entries.main)).map(path =>
    gzipped(basename(path)),
  )
  const scriptSize = scripts.reduce((sum, size) => sum + size, 0)
  if (scriptSize > BUDGET)
    throw new Error(
      `The pages' script has ${kilobytes(scriptSize)}, over its budget of ${kilobytes(BUDGET)}.`,
    )
  return { folder, scriptSize, styleSize: gzipped(style) }
}

/** What a page without a build loads: everything in one file, as `globalThis.Tightbeam`. */
async function buildScriptTag(outfile: string): Promise<void> {
  await build({
    absWorkingDir: root,
    entryPoints: ["packages/client/src/global.ts"],
    outfile,
    bundle: true,
    minify: true,
    sourcemap: true,
    format: "iife",
    globalName: "Tightbeam",
    target: BROWSERS,
    legalComments: "none",
    logLevel: "warning",
  })
}

const kilobytes = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KB`

/** The file that an entry point became. */
function outputOf({ outputs }: Metafile, entry: string): string {
  const found = Object.entries(outputs).find(
    ([path, { entryPoint, inputs }]) =>
      !path.endsWith(".map") &&
      [entryPoint, ...Object.keys(inputs)].some(input => input && resolve(root, input) === entry),
  )
  if (!found) throw new Error(`esbuild made nothing of ${entry}`)
  return found[0]
}

/** A file and all that it imports, but for what it imports on demand. */
function atOnce(outputs: Metafile["outputs"], path: string, found: string[] = []): readonly string[] {
  if (found.includes(path)) return found
  found.push(path)
  for (const { path: imported, kind } of outputs[path]!.imports)
    if (kind === "import-statement") atOnce(outputs, imported, found)
  return found
}

/** No inline script or style: the pages are served under a strict policy. */
const page = (title: string, script: string, style: string, favicon: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover, interactive-widget=resizes-content">
<meta name="color-scheme" content="light dark">
<meta name="theme-color" content="#fbfbf9" media="(prefers-color-scheme: light)">
<meta name="theme-color" content="#0b0d0c" media="(prefers-color-scheme: dark)">
<meta name="referrer" content="same-origin">
<link rel="icon" href="/assets/${favicon}" type="image/svg+xml">
<link rel="stylesheet" href="/assets/${style}">
<script type="module" src="/assets/${script}"></script>
</head>
<body>
<div id="app"></div>
<noscript>A call needs JavaScript: allow it for this page, then reload.</noscript>
</body>
</html>
`

if (import.meta.main) {
  const started = performance.now()
  const { scriptSize, styleSize } = await buildPages({ gallery: process.argv.includes("--gallery") })
  console.log(
    `Built the pages in ${Math.round(performance.now() - started)} ms: script ${kilobytes(scriptSize)}, style ${kilobytes(styleSize)} (gzip).`,
  )
}
