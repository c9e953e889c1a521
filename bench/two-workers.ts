import { alternate, type Load, warmUp } from "./measure.ts"
import { compare, median, type Row } from "./row.ts"
import type { Options } from "./suite.ts"
import type { Target } from "./target.ts"
import { tightbeam } from "./tightbeam.ts"
import { AUDIO, VIDEO } from "./turn-load.ts"

const IN_BURSTS: Load = { clients: 100, shape: VIDEO }
const ONE_BY_ONE: Load = { clients: 100, shape: AUDIO }

/** What a packet may cost with two workers, in one's. */
const GOAL = 1.1

/** Whether work that is shared costs more: the same load on a server with one worker, and on one with two. */
export async function twoWorkers({ quick }: Options): Promise<Row[]> {
  const two = await tightbeam("--turn.workers=2")
  const running = [two]
  try {
    const one = await tightbeam("--turn.workers=1")
    running.push(one)
    for (const target of running) await warmUp(target, quick ? 1.5 : 5)
    const rows: Row[] = []
    for (const load of quick ? [IN_BURSTS] : [IN_BURSTS, ONE_BY_ONE]) {
      const measured = await alternate(running, load, { rounds: quick ? 1 : 5, seconds: quick ? 1 : 3 })
      const cpu = (target: Target): number => median(measured.get(target)!.map(run => run.microseconds))
      rows.push(
        compare({
          suite: "relay",
          case: `${load.clients} × ${load.shape.name}, two workers`,
          metric: "CPU per relayed packet",
          unit: "µs",
          value: cpu(two),
          peer: "one worker",
          peerValue: cpu(one),
          goal: { ratioAtMost: GOAL },
        }),
      )
    }
    return rows
  } finally {
    for (const target of running) await target.stop()
  }
}
