import type { SelectedPath, Timeline } from "@tightbeam/client"
import { formatDuration } from "./duration.ts"
import { connectDuration, currentPhase, PHASE_WORDS } from "./phases.ts"

/** The chip on a tile, in parts: "Direct", "UDP", "12 ms". */
export function pathChip(path: SelectedPath): readonly string[] {
  const parts = [path.route === "direct" ? "Direct" : "Relayed", path.over]
  if (path.roundTripTime !== undefined) parts.push(formatDuration(path.roundTripTime))
  return parts
}

/** Where the media goes, in a sentence. */
export function pathSentence(name: string, path: SelectedPath): string {
  const trip = path.roundTripTime === undefined ? "" : `, ${formatDuration(path.roundTripTime)} round trip`
  if (path.route === "direct") return `You and ${name} are connected directly over ${path.over}${trip}.`
  const slow = path.over === "UDP" ? "" : " UDP would be quicker; a network on the way may block it."
  return `Relayed: this goes through the server’s relay over ${path.over}${trip}.${slow}`
}

/** Who can read it. */
export function securitySentence(security: string, path: SelectedPath | undefined): string {
  const relay = path?.route === "relayed" ? " The relay passes it on and cannot read it." : ""
  return `Encrypted from end to end: ${security}.${relay}`
}

/** One line on a connection as a whole. */
export function connectionSentence(name: string, timeline: Timeline): string {
  const phase = currentPhase(timeline)
  const at = phase ? PHASE_WORDS[phase.name].title.toLowerCase() : ""
  if (timeline.status === "failed") return `Not connected to ${name}: it broke at ${at}.`
  if (timeline.status === "recovering") return `The connection to ${name} was lost and is being mended.`
  if (timeline.status === "connecting") return `Connecting to ${name}.`
  if (timeline.path) return pathSentence(name, timeline.path)
  const took = connectDuration(timeline)
  return `You and ${name} are connected${took === undefined ? "" : `, in ${formatDuration(took)}`}.`
}
