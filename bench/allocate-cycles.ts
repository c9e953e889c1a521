import { AllocateLoad } from "./allocate-load.ts"
import { coturn } from "./coturn.ts"
import { cpuMs } from "./process.ts"
import { compare, median, type Row } from "./row.ts"
import type { Options } from "./suite.ts"
import type { TurnTarget } from "./target.ts"
import { tightbeam } from "./tightbeam.ts"

/** Cycles of one core, in coturn's. */
const GOAL = 0.7

/** Allocate, without and with credentials, and Refresh to free it: how often in a second of the server's CPU. */
export async function allocateCycles({ quick, note }: Options): Promise<Row[]> {
  const ours = await tightbeam()
  try {
    const peer = await coturn()
    try {
      const targets = [ours, peer] as const
      const measured = new Map<TurnTarget, number[]>(targets.map(target => [target, []]))
      for (const target of targets) cyclesPerCpuSecond(target, quick ? 1 : 5)
      for (let round = 0; round < (quick ? 1 : 5); round++) {
        for (const target of round % 2 === 0 ? targets : targets.toReversed()) {
          const { cycles, unanswered } = cyclesPerCpuSecond(target, quick ? 1 : 3)
          measured.get(target)!.push(cycles)
          if (unanswered > 0) note(`${target.name} did not answer ${unanswered} of those who allocate.`)
        }
      }
      const [value, peerValue] = targets.map(target => median(measured.get(target)!)) as [number, number]
      const metric = { metric: "allocate cycles of one core", unit: "/s" }
      const row = {
        suite: "relay",
        case: "40 at the same time",
        ...metric,
        value,
        peer: peer.name,
        peerValue,
      }
      return [compare({ ...row, goal: { ratioAtLeast: GOAL } })]
    } finally {
      await peer.stop()
    }
  } finally {
    await ours.stop()
  }
}

function cyclesPerCpuSecond(target: TurnTarget, seconds: number): { cycles: number; unanswered: number } {
  const load = new AllocateLoad(target)
  const before = cpuMs(target.pid)
  const done = load.cycles(seconds)
  const cpu = cpuMs(target.pid) - before
  load.close()
  return { cycles: (done * 1000) / cpu, unanswered: load.unanswered }
}
