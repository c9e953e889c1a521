import type { Internet } from "@tightbeam/sim"
import { quickCrypto } from "../quick-crypto.ts"
import { LabCall } from "./call.ts"
import { judge } from "./oracle/judge.ts"
import type { Seat } from "./place.ts"
import { type Plan, planOf } from "./plan.ts"

/** From the first word to the last byte, virtual ms. */
const DEADLINE = 60_000
/**
 * When the ends must agree, ms after the last byte and the last change, on a network that loses nothing from then on: while
 * it does, either end may be right to doubt its path, and a path that was cut is not missed at once.
 */
const QUIET = 10_000
/** A better pair may have been found just then: its nomination is under way for no longer than this, ms. */
const NOMINATION = 3000

export interface SeededCall {
  /** Virtual ms until everything had arrived. */
  readonly took: number
  readonly outcome: "direct" | "relay" | "none"
  readonly expected: "direct" | "relay" | "none"
  readonly change: Plan["change"]["type"]
}

/** One seed: any topology, a bad network, perhaps a change on the way, and in the end data both ways. Throws when it is stuck. */
export function seededCall(seed: number, watch?: (internet: Internet) => void): SeededCall {
  const plan = planOf(seed)
  const { link, signaling, roles, iceOptions, change, needsStreams } = plan
  const ends = [[plan.ends[0]], [plan.ends[1]]] as const
  const turn = needsStreams ? (["udp", "tcp", "tls"] as const) : (["udp"] as const)
  const expected = judge({ ends: finalEnds(plan), turn: true, tcp: false }).outcome
  const call = new LabCall({
    seed,
    ends,
    turn,
    tcp: false,
    link,
    signaling,
    roles,
    iceOptions,
    restarts: true,
    crypto: quickCrypto,
    watch,
  })
  call.call()
  if (change.type !== "none") {
    call.run(change.at)
    happen(call, change)
  }
  call.exchange()
  if (!call.runUntil(() => call.isDone, DEADLINE - call.net.now)) {
    if (expected === "none") return { took: DEADLINE, outcome: "none", expected, change: change.type }
    throw new Error(`stuck: ${stateOf(call)}`)
  }
  const took = call.net.now
  call.net.inside.change({ delay: link.delay ?? 0 })
  call.run(QUIET + Math.max(0, endOf(change) - took))
  if (!call.runUntil(() => call.agrees, NOMINATION)) throw new Error(`the ends disagree: ${stateOf(call)}`)
  return { took, outcome: call.result.outcome, expected, change: change.type }
}

function finalEnds({ ends, change }: Plan): readonly [readonly Seat[], readonly Seat[]] {
  const [a, b] = ends.map((seat, end) => [change.type === "move" && change.end === end ? change.to : seat])
  return [a!, b!]
}

/** When it has happened altogether, ms. */
function endOf(change: Plan["change"]): number {
  if (change.type === "none") return 0
  return change.at + (change.type === "move" ? Math.abs(change.overlap) : 0)
}

function happen(call: LabCall, change: Plan["change"]): void {
  if (change.type === "restart") call.callers[0].restart()
  if (change.type === "reboot") call.callers[change.end].host.interfaces[0]!.network.reboot()
  if (change.type !== "move") return
  const { host } = call.callers[change.end]
  const old = host.interfaces[0]!
  const { schedule } = call.net
  const arrive = () =>
    void host.attach(call.builder.network(change.to.place), { families: change.to.families })
  const leave = () => host.detach(old)
  schedule.after(Math.max(0, -change.overlap), arrive)
  schedule.after(Math.max(0, change.overlap), leave)
}

function stateOf(call: LabCall): string {
  const ends = call.callers.map(({ host, agent: { state, selected } }) => {
    const pair = selected === undefined ? "no pair" : `${selected.local.type}/${selected.remote.type}`
    return `${host.name} is ${state} with ${pair}`
  })
  return ends.join(", ")
}
