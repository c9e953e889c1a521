/** `npm run check`: everything that can be said of the code without running it. */
import { spawnSync } from "node:child_process"

const checks: readonly [what: string, command: string, ...args: string[]][] = [
  ["types", "tsc", "-b"],
  ["lint", "oxlint", "--type-aware", "--quiet"],
  ["format", "biome", "check", "--error-on-warnings", "."],
  ["unused code", "knip"],
  ["import rules", "node", "scripts/check-imports.ts"],
  ["packages", "node", "scripts/check-packages.ts"],
]

let failed = 0
for (const [what, command, ...args] of checks) {
  const started = performance.now()
  const run = spawnSync(command, args, { encoding: "utf8" })
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  const passed = run.status === 0
  console.log(`${passed ? "pass" : "FAIL"}  ${what.padEnd(14)} ${seconds} s`)
  if (!passed) {
    failed++
    console.log(
      `\n$ ${[command, ...args].join(" ")}\n${run.error?.message ?? ""}${run.stdout ?? ""}${run.stderr ?? ""}`,
    )
  }
}
console.log(failed === 0 ? "All checks passed." : `${failed} of ${checks.length} checks failed.`)
process.exit(failed === 0 ? 0 : 1)
