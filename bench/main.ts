/** `npm run bench -- NAME [--quick] [--json] [--tuned-coturn]`: measures against named peers, in the same run on the same machine. */
import { parseArgs } from "node:util"
import { crypto } from "./crypto.ts"
import { relay } from "./relay.ts"
import { signaling } from "./signaling.ts"
import type { Suite } from "./suite.ts"

const suites: Readonly<Record<string, Suite>> = { crypto, relay, signaling }

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    "tuned-coturn": { type: "boolean", default: false },
  },
})
const suite = suites[positionals[0] ?? ""]
if (suite === undefined) {
  console.error(
    `npm run bench -- NAME: "${positionals[0] ?? ""}" is not a benchmark. There are: ${Object.keys(suites).join(", ")}.`,
  )
  process.exit(2)
}

const notes: string[] = []
const rows = await suite({
  quick: values.quick,
  tunedCoturn: values["tuned-coturn"],
  note: text => notes.push(text),
})
if (values.json) {
  for (const row of rows) console.log(JSON.stringify(row))
  for (const text of notes) console.error(text)
} else {
  for (const { case: name, metric, unit, value, peer, peerValue, ratio, goal, met } of rows) {
    const against = peer === undefined ? "" : `   ${peer} ${peerValue} ${unit}`
    const judged = met === undefined ? "" : `   goal ${goal}: ${met ? "reached" : "NOT REACHED"}`
    console.log(
      `${name.padEnd(48)} ${metric.padEnd(32)} ${value} ${unit}${against}${ratio === undefined ? "" : `   ratio ${ratio}`}${judged}`,
    )
  }
  for (const text of notes) console.log(text)
}
