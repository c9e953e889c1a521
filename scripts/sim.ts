/**
 * `npm run sim -- NAME [--seeds N] [--seed K] [--json]`: a simulated scenario over many seeds, or one of them alone. What
 * a scenario measures is the same for each seed, and printed once. One seed is written down with `--pcap FILE` for
 * Wireshark, and with `--diagram FILE` as a Mermaid sequence diagram.
 */
import { writeFileSync } from "node:fs"
import { parseArgs } from "node:util"
import { overABadLink } from "../packages/server/src/relay/testing/bad-link.ts"
import { relayedRoomSaving } from "../packages/server/src/relay/testing/relayed-room.ts"
import { converges } from "../packages/server/src/signaling/testing/convergence.ts"
import { type Internet, pcapng, Recording, sequenceDiagram } from "../packages/sim/src/index.ts"

type Watch = (internet: Internet) => void

interface Measured {
  readonly metric: string
  readonly unit: string
  readonly value: number
  readonly peer: string
  readonly peerValue: number
}

interface Scenario {
  /** Throws when the seed goes wrong. It shows its internet to `watch` before anything happens in it. */
  run(seed: number, watch?: Watch): readonly Measured[] | undefined
  /** How many there are by default. */
  readonly seeds: number
}

const scenarios: Readonly<Record<string, Scenario>> = {
  signaling: { run: (seed, watch) => (converges(seed, watch), undefined), seeds: 10_000 },
  turn: { run: (seed, watch) => (overABadLink(seed, watch), undefined), seeds: 10_000 },
  relay: { run: relayedRoomSaving, seeds: 10 },
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: "string" },
    seed: { type: "string" },
    json: { type: "boolean", default: false },
    pcap: { type: "string" },
    diagram: { type: "string" },
  },
})

const name = positionals[0] ?? ""
const scenario = scenarios[name]
if (scenario === undefined) {
  console.error(
    `npm run sim -- NAME: "${name}" is not a scenario. There are: ${Object.keys(scenarios).join(", ")}.`,
  )
  process.exit(2)
}

const [from, count] =
  values.seed === undefined ? [0, Number(values.seeds ?? scenario.seeds)] : [Number(values.seed), 1]
if (!Number.isSafeInteger(from) || !Number.isSafeInteger(count)) {
  console.error("--seed and --seeds take whole numbers.")
  process.exit(2)
}

if ((values.pcap !== undefined || values.diagram !== undefined) && count !== 1) {
  console.error("--pcap and --diagram write one run down: say which by --seed K.")
  process.exit(2)
}

let recording: Recording | undefined
const watch: Watch | undefined =
  values.pcap === undefined && values.diagram === undefined
    ? undefined
    : internet => {
        recording = new Recording(internet)
      }

const started = performance.now()
const failures: number[] = []
let measured: readonly Measured[] = []
for (let seed = from; seed < from + count; seed++) {
  try {
    measured = scenario.run(seed, watch) ?? []
  } catch (error) {
    failures.push(seed)
    if (failures.length <= 3) console.error(`npm run sim -- ${name} --seed ${seed}\n`, error)
  }
}
if (recording !== undefined) {
  if (values.pcap !== undefined) writeFileSync(values.pcap, pcapng(recording))
  if (values.diagram !== undefined) writeFileSync(values.diagram, sequenceDiagram(recording))
}
const seconds = (performance.now() - started) / 1000
if (values.json) {
  const row = {
    suite: "sim",
    case: name,
    metric: "failing seeds",
    unit: "seeds",
    value: failures.length,
    goal: 0,
  }
  console.log(JSON.stringify({ ...row, met: failures.length === 0 }))
  for (const each of measured)
    console.log(JSON.stringify({ suite: "sim", case: name, ...each, ratio: each.value / each.peerValue }))
} else {
  for (const { metric, value, peer, peerValue } of measured) {
    const saved = (100 * (1 - value / peerValue)).toFixed(1)
    console.log(`${metric.padEnd(18)}${String(value).padStart(10)}   ${peer} ${peerValue}: ${saved} % less`)
  }
  console.log(`${name}: ${count} seeds in ${seconds.toFixed(1)} s, ${failures.length} failed`)
}
process.exit(failures.length === 0 ? 0 : 1)
