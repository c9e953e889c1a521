/**
 * `npm run sim -- NAME [--seeds N] [--from K] [--seed K] [--workers N] [--json]`: a simulated scenario over many seeds, or
 * one of them alone, and what they say together. One seed is written down with `--pcap FILE` for Wireshark, and with
 * `--diagram FILE` as a Mermaid sequence diagram.
 */
import { writeFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import { parseArgs } from "node:util"
import { pcapng, Recording, sequenceDiagram } from "../packages/sim/src/index.ts"
import { scenarios, type Watch } from "./sim-scenarios.ts"
import { runInWorkers, runSeeds } from "./sim-seeds.ts"

/** Fewer seeds than this for each worker are not worth its start. */
const SEEDS_PER_WORKER = 500
/** So many failing seeds are shown in full, and so many with a line each. */
const SHOWN = 3
const LISTED = 100

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: "string" },
    from: { type: "string", default: "0" },
    seed: { type: "string" },
    workers: { type: "string" },
    json: { type: "boolean", default: false },
    pcap: { type: "string" },
    diagram: { type: "string" },
  },
})

function misused(why: string): never {
  console.error(why)
  process.exit(2)
}

const name = positionals[0] ?? ""
const scenario =
  scenarios[name] ??
  misused(
    `npm run sim -- NAME: "${name}" is not a scenario. There are: ${Object.keys(scenarios).join(", ")}.`,
  )

const from = Number(values.seed ?? values.from)
const count = values.seed === undefined ? Number(values.seeds ?? scenario.seeds) : 1
const most = Math.max(1, Math.min(availableParallelism(), Math.floor(count / SEEDS_PER_WORKER)))
const workers = Number(values.workers ?? most)
if (![from, count, workers].every(Number.isSafeInteger) || workers < 1)
  misused("--seed, --seeds, --from and --workers take whole numbers.")
if ((values.pcap !== undefined || values.diagram !== undefined) && count !== 1)
  misused("--pcap and --diagram write one run down: say which by --seed K.")

let recording: Recording | undefined
const watch: Watch | undefined =
  values.pcap === undefined && values.diagram === undefined
    ? undefined
    : internet => {
        recording = new Recording(internet)
      }

const started = performance.now()
const { samples, failures } =
  workers === 1
    ? runSeeds(scenario, { from, count, step: 1 }, watch)
    : await runInWorkers(name, { from, count }, workers)
const seconds = (performance.now() - started) / 1000

const failing = [...failures].sort(([a], [b]) => a - b)
for (const [i, [seed, why]] of failing.slice(0, LISTED).entries()) {
  const cell = scenario.nameOf?.(seed)
  const named = cell === undefined ? "" : `  (${cell})`
  console.error(`npm run sim -- ${name} --seed ${seed}${named}\n  ${i < SHOWN ? why : why.split("\n")[0]}`)
}
if (recording !== undefined) {
  if (values.pcap !== undefined) writeFileSync(values.pcap, pcapng(recording))
  if (values.diagram !== undefined) writeFileSync(values.diagram, sequenceDiagram(recording))
}

const { text, rows } = scenario.sum?.(samples) ?? { rows: [] }
const missed = count >= scenario.seeds ? rows.filter(({ met }) => met === false) : []
if (values.json) {
  const failed = {
    metric: "failing seeds",
    unit: "seeds",
    value: failures.size,
    goal: 0,
    met: failures.size === 0,
  }
  for (const row of [failed, ...rows]) console.log(JSON.stringify({ suite: "sim", case: name, ...row }))
} else {
  if (text !== undefined) console.log(text)
  for (const { case: of = name, metric, unit, value, goal } of missed)
    console.log(`missed: ${of}, ${metric}: ${value} ${unit}, not ${goal}`)
  console.log(`${name}: ${count} seeds in ${seconds.toFixed(1)} s, ${failures.size} failed`)
}
process.exit(failures.size === 0 && missed.length === 0 ? 0 : 1)
