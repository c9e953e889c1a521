/** Holds every source file to `import-rules.ts`. Prints each breach with the file and line, and what would be legal. */
import { existsSync, globSync, readFileSync } from "node:fs"
import { dirname, join, relative, resolve } from "node:path"
import { impure, rows, testsMayImport, testsMayImportFolders } from "./import-rules.ts"

const packages = resolve(import.meta.dirname, "../packages")
const IMPORT =
  /(?:^|\n)\s*(?:import|export)\b[^"'`;]*?from\s*["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']|(?:^|\n)\s*import\s*["']([^"']+)["']/g

/** Package exports, as folders below `packages/`: "@tightbeam/webrtc/stun" is "webrtc/src/stun". */
const exported = new Map<string, string>()
for (const manifest of globSync("*/package.json", { cwd: packages })) {
  const { name, exports = {} } = JSON.parse(readFileSync(join(packages, manifest), "utf8")) as {
    name: string
    exports?: Record<string, Record<string, string>>
  }
  for (const [subpath, target] of Object.entries(exports)) {
    const source = target["@tightbeam/source"]
    if (source) exported.set(join(name, subpath), join(dirname(manifest), source))
  }
}

const breaches: string[] = []
const files = globSync("*/src/**/*.{ts,tsx}", { cwd: packages }).sort()

for (const file of files) {
  const row = rows
    .filter(row => file.startsWith(`${row.folder}/`))
    .sort((a, b) => b.folder.length - a.folder.length)[0]
  const text = readFileSync(join(packages, file), "utf8")
  const isTest = /\.test\.tsx?$|\/testing\//.test(file)
  const report = (at: number, what: string) =>
    breaches.push(`packages/${file}:${text.slice(0, at).split("\n").length}  ${what}`)
  if (row === undefined) {
    report(0, "this folder has no row in scripts/import-rules.ts")
    continue
  }
  const folders = [row.folder, ...row.from, ...(isTest ? testsMayImportFolders : [])]
  const external = [...(row.external ?? []), ...(isTest ? testsMayImport : [])]

  for (const match of text.matchAll(IMPORT)) {
    const specifier = (match[1] ?? match[2] ?? match[3])!
    const at = match.index + match[0].length
    const own = exported.get(specifier)
    if (specifier.startsWith(".") || own !== undefined) {
      const target = own ?? relative(packages, resolve(packages, dirname(file), specifier))
      const home = folders.find(folder => target.startsWith(`${folder}/`))
      if (home === undefined)
        report(
          at,
          `must not import ${specifier}: ${row.folder} may import ${row.from.join(", ") || "nothing"}`,
        )
      else if (own === undefined && home !== row.folder && target !== `${home}/index.ts`)
        report(at, `imports the inside of ${home}: import its index.ts`)
      else if (own === undefined && !existsSync(join(packages, target)))
        report(at, `no such file: ${specifier}`)
    } else {
      const name = specifier.startsWith("node:")
        ? specifier
        : specifier
            .split("/")
            .slice(0, specifier.startsWith("@") ? 2 : 1)
            .join("/")
      const legal = external.includes(name) || (name.startsWith("node:") && external.includes("node:*"))
      if (!legal) report(at, `must not import ${specifier}`)
    }
  }

  if (row.pure && !isTest) {
    for (const [i, line] of text.split("\n").entries()) {
      if (/^\s*(\/\/|\*|\/\*)/.test(line)) continue
      const found = impure.exec(line)
      if (found)
        breaches.push(`packages/${file}:${i + 1}  ${found[1]} in a pure folder: take it as an argument`)
    }
  }
}

for (const breach of breaches) console.error(breach)
console.log(`${files.length} files, ${breaches.length} breaches of the import rules`)
process.exit(breaches.length === 0 ? 0 : 1)
