/** `npm run interop -- NAME [--json]`: our half of a protocol with somebody else's other half. */
import { parseArgs } from "node:util"
import type { Found } from "./check.ts"
import { turnClient } from "./turn-client.ts"

const suites: Readonly<Record<string, () => Promise<Found>>> = { "turn-client": turnClient }

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean", default: false } },
})
const name = positionals[0] ?? ""
const suite = suites[name]
if (suite === undefined) {
  console.error(
    `npm run interop -- NAME: "${name}" is not a suite. There are: ${Object.keys(suites).join(", ")}.`,
  )
  process.exit(2)
}

const found = await suite()
if ("missing" in found) console.error(`${name}: ${found.missing}`)
else {
  for (const { suite, peer, case: over, what, passed, why } of found.checks) {
    if (values.json) {
      const row = { suite, case: `${over}, ${what}`, metric: "passed", unit: "checks", peer }
      console.log(JSON.stringify({ ...row, value: passed ? 1 : 0, goal: 1, met: passed }))
    } else {
      const line = `${passed ? "pass" : "FAIL"}  ${peer}  ${over.padEnd(4)} ${what}`
      console.log(why === undefined ? line : `${line}: ${why}`)
    }
  }
  process.exitCode = found.checks.every(({ passed }) => passed) ? 0 : 1
}
