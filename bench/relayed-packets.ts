import { coturn } from "./coturn.ts"
import { alternate, type Load, type Measured, warmUp } from "./measure.ts"
import { npmTurnServer } from "./npm-turn-server.ts"
import { profileOf } from "./profile.ts"
import { relayFloor } from "./relay-floor.ts"
import { compare, type Goal, median, type Row } from "./row.ts"
import type { Options } from "./suite.ts"
import type { Target } from "./target.ts"
import { tightbeam } from "./tightbeam.ts"
import { tunedCoturn } from "./tuned-coturn.ts"
import { AUDIO, PACED, packetsPerSecond, type Shape, VIDEO } from "./turn-load.ts"

interface Peer {
  readonly target: Target
  /** What CPU per packet may cost, in the peer's. */
  readonly goal?: (shape: Shape) => Goal
  /** The one that loss and latency are held to. */
  readonly isReference?: true
}

const LOADS: readonly Load[] = [1, 10, 100, 1000].flatMap(clients =>
  [AUDIO, VIDEO, PACED].map(shape => ({ clients, shape })),
)

/** The part of a core that a load may take of a server, by what its packets cost so far: more is not kept up with. */
const BEARABLE = 0.8

const CPU = "CPU per relayed packet"

/** Of what a load asks for: a load generator that sends less does not measure it. */
const OFFERED = 0.95

/** CPU per relayed packet, loss, and how long a packet is under way. Rounds alternate between the servers. */
export async function relayedPackets(options: Options): Promise<Row[]> {
  const { quick } = options
  const running: Target[] = []
  try {
    const ours = await tightbeam()
    running.push(ours)
    const peers = await startPeers(options, running)
    for (const target of running) await warmUp(target, quick ? 1.5 : 5)
    const costs = new Costs()
    const rows: Row[] = []
    for (const load of quick ? LOADS.filter(({ clients }) => clients === 10) : LOADS) {
      const able = keepUp(peers, load, costs, options)
      if (able.length === 0) continue
      const targets = [ours, ...able.map(({ target }) => target)]
      const measured = await alternate(targets, load, { rounds: quick ? 1 : 5, seconds: quick ? 1 : 3 })
      for (const [target, runs] of measured) {
        costs.learn(target, median(runs.map(each => each.microseconds)))
        const offered = median(runs.map(each => each.offered))
        if (offered < OFFERED)
          options.note(
            `${nameOf(load)} with ${target.name}: the load generator sent ${Math.round(100 * offered)} % of it.`,
          )
      }
      const found = able.flatMap(peer => rowsOf(load, peer, measured.get(ours)!, measured.get(peer.target)!))
      rows.push(...found)
      if (found.some(({ metric, met }) => metric === CPU && met === false)) await explain(ours, load, options)
    }
    return rows
  } finally {
    for (const target of running) await target.stop()
  }
}

/** Says where our CPU goes, when it is more than it should be. */
async function explain(ours: Target, load: Load, { note }: Options): Promise<void> {
  const shares = await profileOf(ours, load)
  const where =
    shares === undefined ? "perf(1) would show where (Debian: linux-perf)" : `it goes to ${shares}`
  note(
    `${nameOf(load)}: the CPU that our packets cost beyond the goal: ${where}. Why, and what was tried: docs/turn.md, "What a packet costs".`,
  )
}

async function startPeers(
  { quick, tunedCoturn: isTunedWanted, note }: Options,
  running: Target[],
): Promise<Peer[]> {
  const peers: Peer[] = []
  const add = (name: string, target: Target | string, peer: Omit<Peer, "target"> = {}): void => {
    if (typeof target === "string") {
      note(`Without ${name}: ${target}.`)
      return
    }
    running.push(target)
    peers.push({ ...peer, target })
  }
  add("coturn", await coturn(), {
    isReference: true,
    goal: shape => ({ ratioAtMost: shape === VIDEO ? 0.4 : 1 }),
  })
  const tuned = isTunedWanted ? await tunedCoturn() : "--tuned-coturn fetches it, some 40 MB"
  add("a tuned coturn", tuned, { goal: () => ({ ratioAtMost: 1 }) })
  add("the C floor", await relayFloor(), { goal: shape => ({ ratioAtMost: shape === VIDEO ? 1.6 : 1.4 }) })
  add("npm turn-server", quick ? "it is left out of the quick version" : await npmTurnServer())
  return peers
}

function nameOf({ clients, shape }: Load): string {
  return `${clients} × ${shape.name}`
}

/** Those that a load is not too much for, and nobody where it is too much for the reference. */
function keepUp(peers: readonly Peer[], load: Load, costs: Costs, { note }: Options): readonly Peer[] {
  const overtaxed = peers.filter(({ target }) => costs.share(target, load) > BEARABLE)
  const reference = overtaxed.find(({ isReference }) => isReference)
  for (const { target } of reference === undefined ? overtaxed : [reference]) {
    const packets = packetsPerSecond(load.shape, load.clients)
    const cores = costs.share(target, load).toFixed(1)
    const what = reference === undefined ? `left out with ${target.name}` : "left out"
    note(`${nameOf(load)}, ${packets} packets/s: ${what}, it would take ${cores} cores of ${target.name}.`)
  }
  return reference === undefined ? peers.filter(peer => !overtaxed.includes(peer)) : []
}

/** What packets cost each server, as far as it was measured. */
class Costs {
  /** µs; the least, which is when most come together. */
  readonly #least = new Map<Target, number>()

  learn(target: Target, microseconds: number): void {
    this.#least.set(target, Math.min(microseconds, this.#least.get(target) ?? Infinity))
  }

  /** The part of a core that a load would take; 0 where nothing is known. */
  share(target: Target, { clients, shape }: Load): number {
    return ((this.#least.get(target) ?? 0) * packetsPerSecond(shape, clients)) / 1e6
  }
}

function rowsOf(
  load: Load,
  { target: { name: peer }, goal, isReference }: Peer,
  ours: readonly Measured[],
  theirs: readonly Measured[],
): Row[] {
  type Of = (runs: readonly Measured[]) => number
  const row = (metric: string, unit: string, of: Of, goal?: Goal): Row =>
    compare({
      suite: "relay",
      case: nameOf(load),
      metric,
      unit,
      value: of(ours),
      peer,
      peerValue: of(theirs),
      goal,
    })
  const medianOf =
    (pick: (run: Measured) => number): Of =>
    runs =>
      median(runs.map(pick))
  // A median would not show the packets that one round in five loses.
  const lost: Of = runs => runs.reduce((sum, run) => sum + run.lost, 0) / runs.length
  const cpu = medianOf(run => run.microseconds)
  const rows = [
    row(CPU, "µs", cpu, goal?.(load.shape)),
    row("lost", "%", lost, isReference && lost(theirs) === 0 ? { atMost: 0 } : undefined),
  ]
  if (!isReference) return rows
  return [
    ...rows,
    row("packets of one core", "/s", runs => 1e6 / cpu(runs)),
    row(
      "latency p50",
      "ms",
      medianOf(run => run.p50),
    ),
    row(
      "latency p99",
      "ms",
      medianOf(run => run.p99),
      { ratioAtMost: 1 },
    ),
  ]
}
