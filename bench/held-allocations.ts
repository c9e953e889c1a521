import { setTimeout as pass } from "node:timers/promises"
import { AllocateLoad } from "./allocate-load.ts"
import { coturn } from "./coturn.ts"
import { residentBytes } from "./process.ts"
import { compare, median, type Row } from "./row.ts"
import type { Options } from "./suite.ts"
import type { TurnTarget } from "./target.ts"
import { tightbeam } from "./tightbeam.ts"

const HELD = 2000

/** kB of memory for each. */
const GOAL = 25

/** Held before those that are measured: what grows once is not theirs. None are freed, others would have their place. */
const FIRST = 500

/** Before memory is looked at, ms: what was put off until then is done. */
const SETTLE = 500

/** What allocations that nobody uses take of a server's memory, each time of a fresh one. */
export async function heldAllocations({ quick, note }: Options): Promise<Row[]> {
  const rounds = quick ? 1 : 3
  const ours: number[] = []
  const theirs: number[] = []
  let peer = ""
  for (let round = 0; round < rounds; round++) {
    ours.push(await kilobytesOfEach(await tightbeam()))
    const target = await coturn()
    peer = target.name
    theirs.push(await kilobytesOfEach(target))
  }
  const row = { suite: "relay", case: `${HELD} allocations`, metric: "memory of each", unit: "kB" }
  return [compare({ ...row, value: median(ours), peer, peerValue: median(theirs), goal: { atMost: GOAL } })]

  async function kilobytesOfEach(target: TurnTarget): Promise<number> {
    const load = new AllocateLoad(target)
    try {
      load.hold(FIRST)
      await pass(SETTLE)
      const before = residentBytes(target.pid)
      const held = load.hold(HELD)
      await pass(SETTLE)
      if (held < HELD) note(`${target.name} did not answer ${HELD - held} of those who allocate.`)
      return (residentBytes(target.pid) - before) / 1000 / held
    } finally {
      load.close()
      await target.stop()
    }
  }
}
