import { cpuMs } from "./process.ts"
import type { Target } from "./target.ts"
import { AUDIO, packetsPerSecond, type Shape, TurnLoad, VIDEO } from "./turn-load.ts"

export interface Load {
  readonly clients: number
  readonly shape: Shape
}

export interface Measured {
  /** Of the server's CPU, per packet that it relayed, µs. */
  readonly microseconds: number
  /** %. */
  readonly lost: number
  /** From the one end to the other, ms. */
  readonly p50: number
  readonly p99: number
  /** What the load generator managed, of what it was to send. */
  readonly offered: number
}

/** Before `measure` measures: the buffers of a kernel and a processor fill in less. */
const LEAD = 0.3

/** One run of a load on allocations of its own. */
export async function measure(target: Target, { clients, shape }: Load, seconds: number): Promise<Measured> {
  const load = await TurnLoad.open(target, clients)
  try {
    load.run(shape, LEAD)
    const before = cpuMs(target.pid)
    const { sent, received, latencies } = load.run(shape, seconds)
    if (received === 0) throw new Error(`Nothing came back from ${target.name}.`)
    return {
      microseconds: ((cpuMs(target.pid) - before) * 1000) / received,
      lost: (100 * (sent - received)) / sent,
      p50: latencies[Math.floor(received * 0.5)]!,
      p99: latencies[Math.floor(received * 0.99)]!,
      offered: sent / (packetsPerSecond(shape, clients) * seconds),
    }
  } finally {
    await load.close()
  }
}

/** Packets by the dozen, and one by one: each is code of its own. */
const WARM_UP: readonly Load[] = [
  { clients: 20, shape: VIDEO },
  { clients: 200, shape: AUDIO },
  { clients: 20, shape: AUDIO },
]

/**
 * Before anything is measured, `seconds` of each: servers run for days, what compiling costs in the first minute is not
 * theirs to show.
 */
export async function warmUp(target: Target, seconds: number): Promise<void> {
  for (const load of WARM_UP) await measure(target, load, seconds)
}

/** Rounds that go through all targets, there and back: a machine that gets slower does so for all. */
export async function alternate(
  targets: readonly Target[],
  load: Load,
  { rounds, seconds }: { rounds: number; seconds: number },
): Promise<ReadonlyMap<Target, readonly Measured[]>> {
  const measured = new Map<Target, Measured[]>(targets.map(target => [target, []]))
  for (let round = 0; round < rounds; round++)
    for (const target of round % 2 === 0 ? targets : targets.toReversed())
      measured.get(target)!.push(await measure(target, load, seconds))
  return measured
}
