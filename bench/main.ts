/** `npm run bench -- NAME [--quick] [--json]`: measures against a named peer, in the same run on the same machine. */
import { parseArgs } from "node:util"
import { relay } from "./relay.ts"
import type { Row } from "./row.ts"
import { signaling } from "./signaling.ts"

const suites: Readonly<Record<string, (options: { quick: boolean }) => Promise<Row[]>>> = {
  relay,
  signaling,
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: "boolean", default: false }, json: { type: "boolean", default: false } },
})
const suite = suites[positionals[0] ?? ""]
if (suite === undefined) {
  console.error(
    `npm run bench -- NAME: "${positionals[0] ?? ""}" is not a benchmark. There are: ${Object.keys(suites).join(", ")}.`,
  )
  process.exit(2)
}

const rows = await suite({ quick: values.quick })
if (values.json) for (const row of rows) console.log(JSON.stringify(row))
else {
  for (const { case: name, metric, unit, value, peer, peerValue, ratio, goal, met } of rows) {
    const against = peer === undefined ? "" : `   ${peer} ${peerValue} ${unit}`
    const judged = met === undefined ? "" : `   goal ${goal}: ${met ? "reached" : "NOT REACHED"}`
    console.log(
      `${name.padEnd(34)} ${metric.padEnd(32)} ${value} ${unit}${against}${ratio === undefined ? "" : `   ratio ${ratio}`}${judged}`,
    )
  }
}
