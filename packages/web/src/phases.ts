import { PHASES, type Phase, type PhaseName, type RoomSnapshot, type Timeline } from "@tightbeam/client"

/** What each phase is called on the page, and what it does, for someone who never heard of it. */
export const PHASE_WORDS: Readonly<Record<PhaseName, { readonly title: string; readonly does: string }>> = {
  signaling: { title: "Signaling", does: "The server introduces the two ends." },
  "offer-answer": { title: "Offer and answer", does: "Both agree on what to send, and how." },
  candidates: { title: "Candidates", does: "Each collects the addresses it may be reached at." },
  checks: { title: "Checks", does: "Pairs of addresses are tried until one answers." },
  security: { title: "Security", does: "Both agree on keys that nobody else has." },
  transmission: { title: "Transmission", does: "Sound and picture begin to flow." },
}

/** How a bead looks. `slow`: under way for so long that one should look. */
export type Light = "dark" | "active" | "slow" | "lit" | "broken"

/** After this long a phase that is still under way turns amber, ms. */
export const SLOW_AFTER = 2_500

const LIGHTS = {
  waiting: "dark",
  active: "active",
  done: "lit",
  recovering: "slow",
  failed: "broken",
} as const

export function lightOf({ status, startedAt }: Phase, now: number): Light {
  const slow = status === "active" && startedAt !== undefined && now - startedAt > SLOW_AFTER
  return slow ? "slow" : LIGHTS[status]
}

/** Worst first: what one bead shows for several connections. */
const URGENCY: readonly Light[] = ["broken", "slow", "active", "dark", "lit"]

/** The header's six beads: each as the worst of all connections, the first with the way to the server. */
export function overallLights(room: RoomSnapshot, now: number): readonly Light[] {
  return PHASES.map((_, i) => {
    const lights = room.participants.map(({ timeline }) => lightOf(timeline.phases[i]!, now))
    if (i === 0) lights.push(serverLight(room, now))
    return URGENCY.find(light => lights.includes(light)) ?? "dark"
  })
}

function serverLight({ state, signaling }: RoomSnapshot, now: number): Light {
  if (state.status === "closed") return "broken"
  if (state.status === "reconnecting") return "slow"
  if (state.status === "connected") return "lit"
  if (state.status === "idle") return "dark"
  return signaling.startedAt !== undefined && now - signaling.startedAt > SLOW_AFTER ? "slow" : "active"
}

/** The phase that a connection is in, was broken in, or is mending. */
export const currentPhase = ({ phases }: Timeline): Phase | undefined =>
  phases.find(({ status }) => status === "failed") ??
  phases.find(({ status }) => status === "recovering" || status === "active")

/** How long a phase took, or has been running; undefined before it began. */
export const phaseDuration = (phase: Phase, now: number): number | undefined =>
  phase.startedAt === undefined ? undefined : Math.max(0, (phase.endedAt ?? now) - phase.startedAt)

/** From the first phase's beginning to the last one's end; undefined until all have been done. */
export function connectDuration({ phases }: Timeline): number | undefined {
  const starts = phases.map(phase => phase.startedAt).filter(at => at !== undefined)
  const ends = phases.map(phase => phase.endedAt).filter(at => at !== undefined)
  if (starts.length < phases.length || ends.length < phases.length) return undefined
  return Math.max(...ends) - Math.min(...starts)
}
