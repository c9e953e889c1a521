import type { ConnectionReading } from "./connection-reading.ts"

export type Grade = "good" | "fair" | "poor" | "lost"

/** How good a connection is, and why it is not better. */
export interface Quality {
  readonly grade: Grade
  /** Sentences, the worst first. */
  readonly reasons: readonly string[]
  /** What was measured, for who wants to see it. */
  readonly facts: readonly (readonly [name: string, value: string])[]
}

/** What the grades of the other connections of the same page tell of this one. */
export interface Others {
  /** The least share lost of what each of them brings, 0–1; undefined: nobody to compare with. */
  readonly lostIn: number | undefined
  /** The least share lost of what is sent to each of them. */
  readonly lostOut: number | undefined
}

/** Shares of packets: one hears it, and one cannot talk. */
const LOSS = { fair: 0.03, poor: 0.1 }
/** There and back, ms: people begin to talk over each other (ITU-T G.114: 150 ms one way is good, 400 the limit). */
const TRIP = { fair: 400, poor: 800 }
/** How unevenly packets arrive, ms. */
const JITTER = { fair: 50, poor: 120 }
/** Share of the time that the picture stood still. */
const FROZEN = { fair: 0.1, poor: 0.4 }
/** Share of the pictures that arrived and were not shown. */
const DROPPED = { fair: 0.15, poor: 0.5 }

/** Fewer packets than this say nothing about a share of them. */
const ENOUGH = 20

interface Finding {
  readonly grade: Grade
  readonly reason: string
}

/** What two readings of a connection, some seconds apart, say of it. `sends`: sound or pictures should arrive. */
export function assess(
  before: ConnectionReading,
  now: ConnectionReading,
  name: string,
  sends: boolean,
  others: Others,
): Quality {
  const seconds = (now.at - before.at) / 1000
  const arrived = now.packetsReceived - before.packetsReceived
  const findings: Finding[] = []
  const find = (value: number | undefined, limits: { fair: number; poor: number }, reason: string): void => {
    if (value !== undefined && value >= limits.fair)
      findings.push({ grade: value >= limits.poor ? "poor" : "fair", reason })
  }
  const lostIn = lossIn(before, now)
  const lostOut = now.lostOut
  const frames = now.framesReceived - before.framesReceived
  const pictures = frames > 0

  if (sends && arrived <= 0)
    findings.push({ grade: "lost", reason: `Nothing has arrived from ${name} for some seconds.` })
  find(lostIn, LOSS, whereLost(lostIn, others.lostIn, `${name}’s uplink`, "Your downlink", name, "you"))
  find(lostOut, LOSS, whereLost(lostOut, others.lostOut, `${name}’s downlink`, "Your uplink", "you", name))
  find(now.roundTripTime, TRIP, `Words take ${inMs(now.roundTripTime)} there and back: leave pauses.`)
  find(now.jitter, JITTER, `Packets arrive unevenly, by ${inMs(now.jitter)}: sound may stutter.`)
  find(
    pictures ? (now.frozenFor - before.frozenFor) / seconds : undefined,
    FROZEN,
    `${name}’s picture stood still.`,
  )
  find(
    pictures ? (now.framesDropped - before.framesDropped) / frames : undefined,
    DROPPED,
    "Your device is too slow to show every picture.",
  )
  if (now.limitedBy === "cpu")
    findings.push({
      grade: "fair",
      reason: "Your device is too slow to encode: your picture was made smaller.",
    })
  if (now.limitedBy === "bandwidth")
    findings.push({
      grade: "fair",
      reason: "There is little bandwidth from you: your picture was made smaller.",
    })
  const grade = GRADES.findLast(each => findings.some(finding => finding.grade === each)) ?? "good"
  const reasons = findings
    .toSorted((a, b) => GRADES.indexOf(b.grade) - GRADES.indexOf(a.grade))
    .map(({ reason }) => reason)
  // Worth knowing, and no fault by itself.
  if (now.relayedOver !== undefined && now.relayedOver !== "UDP")
    reasons.push(`Relayed over ${now.relayedOver}: delays add up. A network on the way blocks UDP.`)
  return { grade, reasons, facts: facts(now, lostIn) }
}

const GRADES: readonly Grade[] = ["good", "fair", "poor", "lost"]

/** What is lost of what arrives: share between two readings. */
export function lossIn(before: ConnectionReading, now: ConnectionReading): number | undefined {
  const arrived = now.packetsReceived - before.packetsReceived
  const lost = Math.max(0, now.packetsLost - before.packetsLost)
  return arrived + lost < ENOUGH ? undefined : lost / (arrived + lost)
}

/** Loss on one connection alone is theirs; on all of them it is ours; with one connection nobody can tell. */
function whereLost(
  share: number | undefined,
  others: number | undefined,
  theirs: string,
  ours: string,
  from: string,
  to: string,
): string {
  const percent = `${Math.round((share ?? 0) * 100)} %`
  if (others === undefined) return `${percent} of packets are lost on the way from ${from} to ${to}.`
  return `${others < LOSS.fair ? theirs : ours} loses ${percent} of packets.`
}

function facts(now: ConnectionReading, lostIn: number | undefined): Quality["facts"] {
  const known: (readonly [string, string | undefined])[] = [
    ["Round trip", now.roundTripTime === undefined ? undefined : inMs(now.roundTripTime)],
    ["Lost on the way here", lostIn === undefined ? undefined : `${(lostIn * 100).toFixed(1)} %`],
    ["Lost on the way there", now.lostOut === undefined ? undefined : `${(now.lostOut * 100).toFixed(1)} %`],
    ["Jitter", now.jitter === undefined ? undefined : inMs(now.jitter)],
    ["Picture received", now.size],
  ]
  return known.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]))
}

const inMs = (ms = 0): string => `${Math.round(ms)} ms`
