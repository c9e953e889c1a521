/** Whether each published package would work for whoever installs it: exports, types, files. */
import { globSync, readFileSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { publint } from "publint"
import { formatMessage } from "publint/utils"

const packages = resolve(import.meta.dirname, "../packages")
let problems = 0
for (const manifest of globSync("*/package.json", { cwd: packages })) {
  const pkg = JSON.parse(readFileSync(join(packages, manifest), "utf8")) as {
    name: string
    private?: boolean
  }
  if (pkg.private) continue
  const { messages } = await publint({ pkgDir: join(packages, dirname(manifest)), strict: true })
  for (const message of messages) console.error(`${pkg.name}: ${formatMessage(message, pkg)}`)
  problems += messages.length
}
process.exit(problems === 0 ? 0 : 1)
