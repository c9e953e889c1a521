import { type Load, type Measured, measure } from "./measure.ts"
import { compare, median, type Row } from "./row.ts"
import type { Options } from "./suite.ts"
import type { Target } from "./target.ts"
import { tightbeam } from "./tightbeam.ts"
import { AUDIO, VIDEO } from "./turn-load.ts"

const IN_BURSTS: Load = { clients: 100, shape: VIDEO }
const ONE_BY_ONE: Load = { clients: 100, shape: AUDIO }

const WARM_UP = { clients: 20, shape: VIDEO }

/** What a packet may cost with two workers, in one's. */
const GOAL = 1.1

/** Whether work that is shared costs more: the same load on a server with one worker, and on one with two. */
export async function twoWorkers({ quick, note }: Options): Promise<Row[]> {
  const one = await tightbeam()
  try {
    const two = await withTwo()
    if (two === undefined) {
      note("Without two workers: not built yet.")
      return []
    }
    try {
      for (const target of [one, two]) await measure(target, WARM_UP, quick ? 2 : 5)
      const rows: Row[] = []
      for (const load of quick ? [IN_BURSTS] : [IN_BURSTS, ONE_BY_ONE]) {
        const runs: [Measured[], Measured[]] = [[], []]
        for (let round = 0; round < (quick ? 1 : 5); round++)
          for (const which of round % 2 === 0 ? [0, 1] : [1, 0])
            runs[which]!.push(await measure([one, two][which]!, load, quick ? 1 : 3))
        const [ofOne, ofTwo] = runs.map(each => median(each.map(run => run.microseconds))) as [number, number]
        rows.push(
          compare({
            suite: "relay",
            case: `${load.clients} × ${load.shape.name}, two workers`,
            metric: "CPU per relayed packet",
            unit: "µs",
            value: ofTwo,
            peer: "one worker",
            peerValue: ofOne,
            goal: { ratioAtMost: GOAL },
          }),
        )
      }
      return rows
    } finally {
      await two.stop()
    }
  } finally {
    await one.stop()
  }
}

/** `undefined` while there are no workers. */
async function withTwo(): Promise<Target | undefined> {
  try {
    return await tightbeam("--turn.workers=2")
  } catch (error) {
    if (String(error).includes("--turn.workers is not a flag")) return undefined
    throw error
  }
}
