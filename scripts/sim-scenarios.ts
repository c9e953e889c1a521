import {
  CARRIERS,
  type CellResult,
  cells,
  type HandshakeSample,
  HOSTILE_INPUTS,
  type HostileSample,
  hostileSeed,
  nameOf,
  type PopulationCall,
  percentile,
  populationCall,
  printMatrix,
  type RtoCall,
  roundTrips,
  rtoCall,
  runCell,
  type SeededCall,
  seededCall,
  seededHandshake,
  shares,
} from "../packages/lab/src/index.ts"
import { overABadLink } from "../packages/server/src/relay/testing/bad-link.ts"
import { relayedRoomSaving } from "../packages/server/src/relay/testing/relayed-room.ts"
import { converges } from "../packages/server/src/signaling/testing/convergence.ts"
import type { Internet } from "../packages/sim/src/index.ts"

export type Watch = (internet: Internet) => void

/** One line of `--json`; what does not apply is left out. */
export interface Row {
  /** Where a scenario has several. */
  readonly case?: string
  readonly metric: string
  readonly unit: string
  readonly value: number
  readonly peer?: string
  readonly peerValue?: number
  readonly ratio?: number
  readonly goal?: number
  readonly met?: boolean
}

export interface Summary {
  /** For people. */
  readonly text?: string
  readonly rows: readonly Row[]
}

export interface Scenario<Sample = unknown> {
  /** How many there are by default. Goals are those of so many: a shorter run shows how far it is, and fails for none. */
  readonly seeds: number
  /** Throws when the seed goes wrong. It shows its internet to `watch` before anything happens in it. */
  run(seed: number, watch?: Watch): Sample
  /** What went wrong, where the sample is of use nevertheless. */
  faultOf?(sample: Sample): string | undefined
  /** What a seed stands for, where it is no mere number. */
  nameOf?(seed: number): string | undefined
  /** What all seeds together say. */
  sum?(samples: ReadonlyMap<number, Sample>): Summary
}

type Saving = ReturnType<typeof relayedRoomSaving>

const relay: Scenario<Saving> = {
  run: relayedRoomSaving,
  seeds: 10,
  sum: samples => {
    const measured = [...samples.values()].at(-1) ?? []
    const text = measured.map(({ metric, value, peer, peerValue }) => {
      const saved = (100 * (1 - value / peerValue)).toFixed(1)
      return `${metric.padEnd(18)}${String(value).padStart(10)}   ${peer} ${peerValue}: ${saved} % less`
    })
    const rows = measured.map(each => ({ ...each, ratio: each.value / each.peerValue }))
    return { text: text.join("\n"), rows }
  },
}

const natMatrix: Scenario<CellResult> = {
  run: runCell,
  seeds: cells.length,
  faultOf: ({ fault }) => fault,
  nameOf: seed => cells[seed] && nameOf(cells[seed]),
  sum: samples => {
    const all = [...samples]
    const connected = all.filter(([, { types }]) => types !== undefined)
    const rows = connected.flatMap(([seed, cell]): Row[] => [
      { case: nameOf(cells[seed]!), metric: "time to connect", unit: "round trips", value: roundTrips(cell) },
      { case: nameOf(cells[seed]!), metric: "checks", unit: "requests", value: cell.checks },
    ])
    const agreeing = all.filter(([, { fault }]) => fault === undefined).length
    const agreement = { metric: "cells as theory says", unit: "cells", value: agreeing, goal: all.length }
    return {
      text: printMatrix(samples),
      rows: [{ ...agreement, met: agreeing === all.length }, ...rows],
    }
  },
}

/** Points of a percentage that a share may be off. */
const POINTS = 1.5

const population: Scenario<PopulationCall> = {
  run: populationCall,
  seeds: 20_000,
  sum: samples => {
    const all = shares([...samples.values()])
    const text = [...new Set(all.map(({ population }) => population))].map(name => {
      const own = all.filter(({ population }) => population === name)
      const show = (pick: (share: (typeof own)[number]) => number) =>
        own.map(share => pick(share).toFixed(1).padStart(9)).join("")
      return `${name.padEnd(10)}${show(({ value }) => value)}\n${"expected".padEnd(10)}${show(({ expected }) => expected)}`
    })
    const rows = all.map(({ population, carrier, value, expected }) => {
      const met = Math.abs(value - expected) <= POINTS
      return { case: population, metric: carrier, unit: "% of calls", value, goal: expected, met }
    })
    const head = " ".repeat(10) + CARRIERS.map(carrier => carrier.padStart(9)).join("")
    return { text: [head, ...text].join("\n"), rows }
  },
}

const ice: Scenario<SeededCall> = {
  run: seededCall,
  seeds: 10_000,
  sum: samples => {
    const all = [...samples.values()]
    const parts = [
      { case: "nothing changes", own: all.filter(({ change }) => change === "none") },
      { case: "a change on the way", own: all.filter(({ change }) => change !== "none") },
    ].map(({ case: name, own }) => {
      const direct = own.filter(({ expected }) => expected === "direct")
      const found = direct.filter(({ outcome }) => outcome === "direct").length
      const took = own.map(({ took }) => took / 1000)
      const median = took.length === 0 ? 0 : percentile(took, 0.5)
      return {
        text: `${name.padEnd(20)}${own.length} calls, all had arrived after ${median.toFixed(1)} s (median); direct: ${found} of ${direct.length} that can be`,
        rows: [
          {
            case: name,
            metric: "direct, of what can be",
            unit: "%",
            value: (100 * found) / direct.length || 0,
          },
          { case: name, metric: "time to the last byte, median", unit: "s", value: median },
        ],
      }
    })
    return { text: parts.map(({ text }) => text).join("\n"), rows: parts.flatMap(({ rows }) => rows) }
  },
}

/** Of the time to connect with a fixed RTO. */
const RTO_GOAL = 0.6

const iceRto: Scenario<RtoCall> = {
  run: rtoCall,
  seeds: 2000,
  sum: samples => {
    const all = [...samples.values()]
    if (all.length === 0) return { rows: [] }
    const value = percentile(
      all.map(({ adaptive }) => adaptive),
      0.95,
    )
    const peerValue = percentile(
      all.map(({ fixed }) => fixed),
      0.95,
    )
    const ratio = value / peerValue
    const [metric, peer] = ["time to connect at 20 % loss, p95", "fixed RTO of 500 ms"]
    return {
      text: `${metric}: ${value.toFixed(0)} ms; ${peer}: ${peerValue.toFixed(0)} ms; ratio ${ratio.toFixed(2)}`,
      rows: [{ metric, unit: "ms", value, peer, peerValue, ratio, goal: RTO_GOAL, met: ratio <= RTO_GOAL }],
    }
  },
}

/** All of them within this, virtual ms. */
const HANDSHAKE_GOAL = 60_000

function dtls(version: "1.2" | "1.3"): Scenario<HandshakeSample> {
  return {
    run: (seed, watch) => seededHandshake(version, seed, watch),
    seeds: 100_000,
    sum: samples => {
      const all = [...samples.values()].map(({ took }) => took)
      if (all.length === 0) return { rows: [] }
      const rows = [0.5, 0.99, 1].map((share): Row => {
        const metric = `both connected at 30 % loss, ${share === 1 ? "the last" : `p${100 * share}`}`
        const value = percentile(all, share)
        return {
          metric,
          unit: "ms",
          value,
          ...(share === 1 && { goal: HANDSHAKE_GOAL, met: value <= HANDSHAKE_GOAL }),
        }
      })
      return { text: rows.map(({ metric, value }) => `${metric}: ${value.toFixed(0)} ms`).join("\n"), rows }
    },
  }
}

const HOSTILE_GOAL = 1e7
/** ms: nobody's bytes hold up everybody else for longer. */
const TURN_GOAL = 50
/** The heap of one process, MB. */
const HEAP_GOAL = 256

/** ms of CPU that this thread has had: what others on the machine do is not counted. */
function threadTime(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

interface HostileRun extends HostileSample {
  readonly heap: number
}

const dtlsHostile: Scenario<HostileRun> = {
  run: seed => {
    const sample = hostileSeed(seed, threadTime)
    return { ...sample, heap: process.memoryUsage().heapUsed / 1e6 }
  },
  seeds: HOSTILE_GOAL / HOSTILE_INPUTS,
  sum: samples => {
    let [inputs, slowest, heap] = [0, 0, 0]
    for (const sample of samples.values()) {
      inputs += sample.inputs
      slowest = Math.max(slowest, sample.slowest)
      heap = Math.max(heap, sample.heap)
    }
    return {
      text: `${inputs} hostile datagrams; the slowest took ${slowest.toFixed(1)} ms of CPU; ${heap.toFixed(0)} MB of heap at most`,
      rows: [
        {
          metric: "hostile datagrams",
          unit: "datagrams",
          value: inputs,
          goal: HOSTILE_GOAL,
          met: inputs >= HOSTILE_GOAL,
        },
        {
          metric: "the slowest of them",
          unit: "ms",
          value: slowest,
          goal: TURN_GOAL,
          met: slowest <= TURN_GOAL,
        },
        { metric: "heap", unit: "MB", value: heap, goal: HEAP_GOAL, met: heap <= HEAP_GOAL },
      ],
    }
  },
}

export const scenarios: Readonly<Record<string, Scenario>> = {
  signaling: { run: converges, seeds: 10_000 },
  turn: { run: overABadLink, seeds: 10_000 },
  relay,
  "nat-matrix": natMatrix,
  "ice-population": population,
  ice,
  "ice-rto": iceRto,
  "dtls-1.2": dtls("1.2"),
  "dtls-1.3": dtls("1.3"),
  "dtls-hostile": dtlsHostile,
}
