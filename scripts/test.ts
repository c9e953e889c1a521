/**
 * `npm test`: every test of the project, the calls in a real browser included. Names of files or folders as
 * arguments run only those; what begins with a dash goes to node --test.
 */
import { spawnSync } from "node:child_process"
import { globSync } from "node:fs"
import { availableParallelism } from "node:os"
import { parseArgs } from "node:util"
import { buildPages } from "./build-pages.ts"
import { canUnshareNetwork, ensureSystemPackages, systemName } from "./system-packages.ts"

const { values, positionals } = parseArgs({ allowPositionals: true, strict: false })
const flags = Object.entries(values).map(([name, value]) =>
  value === true ? `--${name}` : `--${name}=${String(value)}`,
)
const patterns = positionals.length > 0 ? positionals : ["packages", "e2e"]
const files = patterns
  .flatMap(each => (each.endsWith(".ts") ? [each] : globSync(`${each}/**/*.test.ts`)))
  .filter(file => !file.includes("node_modules") && !file.includes("/dist/"))
  .sort()
const inBrowser = files.filter(file => /^(e2e|long)\//.test(file))
const plain = files.filter(file => !inBrowser.includes(file))

function run(what: string, command: readonly string[]): boolean {
  const started = performance.now()
  const { status } = spawnSync(command[0]!, command.slice(1), { stdio: "inherit" })
  console.log(
    `${what}: ${status === 0 ? "passed" : "FAILED"} in ${((performance.now() - started) / 1000).toFixed(0)} s\n`,
  )
  return status === 0
}

const test = (files: readonly string[], ...more: string[]) => [
  process.execPath,
  "--conditions=@tightbeam/source",
  "--test",
  // A test that waits for what never comes fails, with its name.
  "--test-timeout=300000",
  ...more,
  ...flags,
  ...files,
]

console.log(`Node ${process.versions.node} on ${systemName()}, ${files.length} test files\n`)
let passed = true
if (plain.length > 0) {
  // Left to itself the runner keeps one processor free, which of two is half the machine.
  const atOnce = `--test-concurrency=${availableParallelism()}`
  passed = run("Protocols, server, client, pages", test(plain, atOnce)) && passed
}

if (inBrowser.length > 0) {
  const missing = ensureSystemPackages()
  await buildPages()
  if (missing.length > 0) {
    for (const tool of missing) console.log(`Not run: ${tool.for}, because there is no ${tool.command} here.`)
    passed = false
  } else {
    // In a namespace with nothing but a loopback, browsers can only find each other where we mean them to.
    const inNamespace = canUnshareNetwork()
    if (!inNamespace)
      console.log("No network namespace can be made here: the browser tests share this machine's network.")
    const command = test(inBrowser, "--test-concurrency=1")
    process.env.TIGHTBEAM_OWN_NETWORK = inNamespace ? "1" : "0"
    const wrapped = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", ...command]
    passed = run("Calls in a real browser, real TURN clients", inNamespace ? wrapped : command) && passed
  }
}
process.exit(passed ? 0 : 1)
