/** Runs a scenario over its seeds: in this process, or in several that take turns. */
import { fork } from "node:child_process"
import { once } from "node:events"
import { inspect } from "node:util"
import { type Scenario, scenarios, type Watch } from "./sim-scenarios.ts"

export interface Seeds {
  readonly from: number
  readonly count: number
  /** From one seed to the next. */
  readonly step: number
}

export interface Outcome {
  readonly samples: Map<number, unknown>
  /** What went wrong, by seed. */
  readonly failures: Map<number, string>
}

/** What a worker tells after so many seeds. */
const BATCH = 500

type Told = readonly (readonly [seed: number, sample: unknown, failure: string | undefined])[]

function* runEach(scenario: Scenario, { from, count, step }: Seeds, watch?: Watch): Generator<Told[number]> {
  for (let seed = from; seed < from + count; seed += step) {
    try {
      const sample = scenario.run(seed, watch)
      yield [seed, sample, scenario.faultOf?.(sample)]
    } catch (error) {
      yield [seed, undefined, inspect(error)]
    }
  }
}

function take({ samples, failures }: Outcome, told: Told): void {
  for (const [seed, sample, failure] of told) {
    if (sample !== undefined) samples.set(seed, sample)
    if (failure !== undefined) failures.set(seed, failure)
  }
}

export function runSeeds(scenario: Scenario, seeds: Seeds, watch?: Watch): Outcome {
  const outcome: Outcome = { samples: new Map(), failures: new Map() }
  take(outcome, [...runEach(scenario, seeds, watch)])
  return outcome
}

/** Every worker takes each `workers`-th seed. */
export async function runInWorkers(
  name: string,
  { from, count }: Omit<Seeds, "step">,
  workers: number,
): Promise<Outcome> {
  const outcome: Outcome = { samples: new Map(), failures: new Map() }
  let seen = 0
  await Promise.all(
    Array.from({ length: workers }, async (_, i) => {
      const seeds = [from + i, count - i, workers].map(String)
      const child = fork(import.meta.filename, [name, ...seeds], {
        execArgv: ["--conditions=@tightbeam/source"],
        serialization: "advanced",
      })
      child.on("message", told => {
        take(outcome, told as Told)
        seen += (told as Told).length
      })
      // What it told is all here when the channel has closed, which may be after its end.
      const [[code]] = (await Promise.all([once(child, "exit"), once(child, "disconnect")])) as [
        [number | null],
        [],
      ]
      if (code !== 0) throw new Error(`a worker ended with ${code}`)
    }),
  )
  if (seen !== count) throw new Error(`workers told of ${seen} seeds, not ${count}`)
  return outcome
}

const send = process.send?.bind(process)
if (send !== undefined && process.argv[1] === import.meta.filename) {
  const [name, ...numbers] = process.argv.slice(2)
  const [from, count, step] = numbers.map(Number) as [number, number, number]
  let told: Told[number][] = []
  /** Once it has left: what waits when the channel closes is lost. */
  const tell = () => new Promise<unknown>(resolve => send(told, undefined, undefined, resolve))
  for (const each of runEach(scenarios[name!]!, { from, count, step })) {
    told.push(each)
    if (told.length < BATCH) continue
    await tell()
    told = []
  }
  await tell()
  process.disconnect?.()
}
