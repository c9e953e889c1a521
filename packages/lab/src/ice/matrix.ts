import type { Internet } from "@tightbeam/sim"
import { type CallResult, LabCall } from "./call.ts"
import { neighbourhoods, networkTypes } from "./network-types.ts"
import { judge, type PairTypes, type Verdict } from "./oracle/judge.ts"
import type { Seat } from "./place.ts"

/** RFC 8863: after 39.5 s at the earliest an agent gives up; then there is time to say so. */
const DEADLINE = 120_000
/** How long both must have had nothing to do, ms: what is found later than this is found too late. */
const QUIET = 3000

interface Cell {
  readonly a: string
  readonly b: string
  readonly turn: boolean
  readonly tcp: boolean
  readonly seats: () => readonly [Seat, Seat]
}

/** What one cell came to. */
export interface CellResult extends CallResult {
  readonly expected: Verdict
  /** How it disagrees with theory, if it does. */
  readonly fault: string | undefined
}

/** The blocks of the matrix: what servers there are, and what the agents do. */
const settings = [false, true].flatMap(turn => [false, true].map(tcp => ({ turn, tcp })))

const pairs: readonly Pick<Cell, "a" | "b" | "seats">[] = [
  ...networkTypes.flatMap(a =>
    networkTypes.map(b => ({ a: a.name, b: b.name, seats: () => [a.seat(), b.seat()] as const })),
  ),
  ...neighbourhoods.map(({ name, seats }) => ({ a: name, b: name, seats })),
]

export const cells: readonly Cell[] = settings.flatMap(setting =>
  pairs.map(pair => ({ ...pair, ...setting })),
)

export function nameOf({ a, b, turn, tcp }: Cell): string {
  const ends = a === b && neighbourhoods.some(({ name }) => name === a) ? a : `${a} to ${b}`
  return `${ends}, ${turn ? "STUN and TURN" : "STUN only"}, ${tcp ? "with" : "without"} ICE-TCP`
}

/** One cell, by its number: a call between two networks, held against theory. */
export function runCell(index: number, watch?: (internet: Internet) => void): CellResult {
  const cell = cells[index]
  if (cell === undefined) throw new RangeError(`There are ${cells.length} cells, from 0 on.`)
  const { turn, tcp } = cell
  const [a, b] = cell.seats()
  const ends = [[a], [b]] as const
  const expected = judge({ ends, turn, tcp })
  // By its name: another network type in the list leaves all other cells' calls as they are.
  const call = new LabCall({ seed: nameOf(cell), ends, turn: turn ? ["udp", "tcp", "tls"] : [], tcp, watch })
  call.call()
  call.exchange()
  call.runUntil(() => call.isDone || call.hasFailed, DEADLINE)
  call.run(QUIET)
  const result = call.result
  return { ...result, expected, fault: faultOf(result, expected, call) }
}

function faultOf(result: CallResult, expected: Verdict, call: LabCall): string | undefined {
  const { outcome, transport, types, relayed } = result
  if (outcome !== expected.outcome) return `${outcome}, but theory says ${expected.outcome}`
  if (types === undefined) return call.hasFailed ? undefined : "there is no path, and nobody says so"
  if (!call.agrees) return `the ends disagree: ${describe(types)}`
  if (transport !== expected.transport) return `${transport}, but theory says ${expected.transport}`
  // The types of TCP candidates depend on who was the first to connect.
  if (transport === "tcp") return undefined
  const [a, b] = types
  if (!expected.types.some(({ local, remote }) => local === a.local && remote === a.remote))
    return `${describe(types)}, but theory says ${expected.types.map(nameTypes).join(" or ")}`
  if (a.local !== b.remote || a.remote !== b.local) return `the ends see different types: ${describe(types)}`
  for (const [i, over] of relayed.entries())
    if (over !== undefined && over !== expected.relayed[i])
      return `the relay is used over ${over}, but theory says ${expected.relayed[i]}`
  return undefined
}

const nameTypes = ({ local, remote }: PairTypes): string => `${local}/${remote}`

const describe = (types: readonly PairTypes[]): string => types.map(nameTypes).join(" and ")

/** For people: who is controlling on the left, whom it calls on top; in each cell what carries the call, and how soon. */
export function printMatrix(results: ReadonlyMap<number, CellResult>): string {
  const heads = networkTypes.map(({ short }) => short)
  const blocks = settings.map(({ turn, tcp }, i) => {
    const first = i * pairs.length
    const at = (index: number) => showCell(results.get(first + index))
    const rows = networkTypes.map(({ short }, row) => [
      short,
      ...heads.map((_, column) => at(row * heads.length + column)),
    ])
    const common = neighbourhoods.map(({ name }, n) => `  ${at(heads.length ** 2 + n).padEnd(12)} ${name}`)
    const title = `${turn ? "STUN and TURN" : "STUN only"}, ${tcp ? "with" : "without"} ICE-TCP`
    return [title, table([["", ...heads], ...rows]), "  in common:", ...common].join("\n")
  })
  return [...blocks, LEGEND].join("\n\n")
}

const LEGEND = `D direct, T direct by ICE-TCP, R relayed, - no path; candidate types of both ends (h host, s srflx, p prflx, r relay);
round trips until both could send / checks sent. ! disagrees with theory.`

function showCell(result: CellResult | undefined): string {
  if (result === undefined) return ""
  const mark = result.fault === undefined ? "" : "!"
  if (result.types === undefined) return `${mark}-`
  const letter = result.outcome === "relay" ? "R" : result.transport === "tcp" ? "T" : "D"
  const [{ local, remote }] = result.types
  return `${mark}${letter}${local[0]}${remote[0]} ${roundTrips(result).toFixed(1)}/${result.checks}`
}

/** From when both had the other's description until both could send. */
export function roundTrips({ connected, roundTrip }: CallResult): number {
  return connected / roundTrip
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map(row => row[column]!.length)))
  return rows.map(row => `  ${row.map((text, i) => text.padEnd(widths[i]!)).join("  ")}`.trimEnd()).join("\n")
}
