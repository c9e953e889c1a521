import { escapeText } from "../log/index.ts"
import { type Cost, type CostOver, type RelayCost, type RoomCost, totalOf } from "../relay/index.ts"

/** Longer names are cut, in characters. */
const LONGEST_NAME = 40

const HEAD = ["ROOM, PARTICIPANT", "OVER", "TO PEERS", "TO CLIENTS", "JOINED", "PACKETS", "RELAYED", "NOW"]

type Row = readonly string[]

/** The `relay.cost` view for people: rooms with their participants, the dearest first. */
export function costTable({ since, until, total, rooms, others }: RelayCost): string {
  const rows: Row[] = [
    HEAD,
    ...rooms.flatMap(roomRows),
    ...(isNothing(others) ? [] : [sum("(other rooms)", others)]),
    sum("all", total),
  ]
  const widths = HEAD.map((_, column) => Math.max(...rows.map(row => row[column]!.length)))
  const lines = rows.map(row => row.map((cell, column) => aligned(cell, column, widths[column]!)).join("   "))
  return [
    `The relay from ${escapeText(since)} to ${escapeText(until)}`,
    "",
    ...lines.map(each => each.trimEnd()),
  ].join("\n")
}

function roomRows({ room, total, participants, others }: RoomCost): Row[] {
  return [
    sum(room === "" ? "(no room)" : nameText(room), total),
    ...participants.flatMap(({ participant, over }) => each(`  ${nameText(participant)}`, over)),
    ...each("  (others)", others),
  ]
}

/** A row for all ways together. */
function sum(name: string, over: CostOver): Row {
  return row(name, Object.keys(over).sort().join(" "), totalOf(over))
}

/** A row for each way. */
function each(name: string, over: CostOver): Row[] {
  return Object.entries(over).map(([transport, cost]) => row(name, transport, cost))
}

function row(name: string, over: string, cost: Readonly<Cost>): Row {
  const packets = cost.packetsToPeers + cost.packetsToClients
  return [
    name,
    escapeText(over),
    bytesText(cost.bytesToPeers),
    bytesText(cost.bytesToClients),
    bytesText(cost.bytesJoined),
    String(packets),
    durationText(cost.seconds),
    String(cost.live),
  ]
}

function aligned(cell: string, column: number, width: number): string {
  return column < 2 ? cell.padEnd(width) : cell.padStart(width)
}

function isNothing(over: CostOver): boolean {
  return Object.keys(over).length === 0
}

/** On one line, and without anything that a terminal would obey. */
function nameText(name: string): string {
  const safe = escapeText(name)
  return safe.length > LONGEST_NAME ? `${safe.slice(0, LONGEST_NAME - 1)}…` : safe
}

function bytesText(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"]
  let value = bytes
  while (value >= 1_000 && units.length > 1) {
    value /= 1_000
    units.shift()
  }
  return `${value === bytes ? value : value.toFixed(1)} ${units[0]!}`
}

function durationText(seconds: number): string {
  if (seconds < 60) return `${Math.round(seconds)} s`
  if (seconds < 3_600) return `${(seconds / 60).toFixed(1)} min`
  return `${(seconds / 3_600).toFixed(1)} h`
}
