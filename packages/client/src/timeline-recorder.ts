import {
  PHASES,
  type Phase,
  type PhaseEvent,
  type PhaseName,
  type PhaseStatus,
  type SelectedPath,
  type Timeline,
} from "./timeline.ts"

/** Events kept of one phase. */
const MAX_EVENTS = 100

/** Writes down what happens on one connection, phase by phase. */
export class TimelineRecorder {
  readonly #peer: string
  readonly #now: () => number
  readonly #changed: () => void
  #phases: Record<PhaseName, Phase>
  /** When each phase was first done: that is what it took, whatever is mended later. */
  readonly #firstDone = new Map<PhaseName, number>()
  #path: SelectedPath | undefined
  #security: string | undefined
  #cached: Timeline | undefined

  constructor(peer: string, now: () => number, changed: () => void) {
    this.#peer = peer
    this.#now = now
    this.#changed = changed
    this.#phases = blank()
  }

  timeline(): Timeline {
    this.#cached ??= {
      peer: this.#peer,
      status: this.#status(),
      phases: PHASES.map(name => this.#phases[name]),
      path: this.#path,
      security: this.#security,
    }
    return this.#cached
  }

  status(name: PhaseName): PhaseStatus {
    return this.#phases[name].status
  }

  /** A new connection to the same peer: all but the signaling begins again. */
  restart(why: string): void {
    const signaling = this.#phases.signaling
    this.#phases = { ...blank(), signaling }
    for (const name of PHASES) if (name !== "signaling") this.#firstDone.delete(name)
    this.#path = undefined
    this.#security = undefined
    this.event("signaling", "restart", why)
  }

  /** The phase goes on, waiting for what `note` says. Keeps its beginning; one that was done before is recovering. */
  begin(name: PhaseName, note: string, at: number = this.#now()): void {
    const endedAt = this.#firstDone.get(name)
    const status = endedAt === undefined ? "active" : "recovering"
    this.#set(name, { status, startedAt: this.#phases[name].startedAt ?? at, endedAt, note })
  }

  done(name: PhaseName, note: string): void {
    const now = this.#now()
    const endedAt = this.#firstDone.get(name) ?? now
    this.#firstDone.set(name, endedAt)
    this.#set(name, { status: "done", startedAt: this.#phases[name].startedAt ?? now, endedAt, note })
  }

  fail(name: PhaseName, note: string): void {
    const now = this.#now()
    const endedAt = this.#firstDone.get(name) ?? now
    this.#set(name, { status: "failed", startedAt: this.#phases[name].startedAt ?? now, endedAt, note })
    this.event(name, "failed", note)
  }

  event(name: PhaseName, kind: string, text: string): void {
    const event: PhaseEvent = { at: this.#now(), kind, text }
    this.#set(name, { events: [...this.#phases[name].events, event].slice(-MAX_EVENTS) })
  }

  path(path: SelectedPath | undefined, security: string | undefined): void {
    if (JSON.stringify(path) === JSON.stringify(this.#path) && security === this.#security) return
    this.#path = path
    this.#security = security
    this.#touch()
  }

  #status(): Timeline["status"] {
    const statuses = PHASES.map(name => this.#phases[name].status)
    if (statuses.includes("failed")) return "failed"
    if (statuses.includes("recovering")) return "recovering"
    return this.#phases.transmission.status === "done" ? "connected" : "connecting"
  }

  #set(name: PhaseName, change: Partial<Phase>): void {
    this.#phases = { ...this.#phases, [name]: { ...this.#phases[name], ...change } }
    this.#touch()
  }

  #touch(): void {
    this.#cached = undefined
    this.#changed()
  }
}

function blank(): Record<PhaseName, Phase> {
  const phase = (name: PhaseName): Phase => ({
    name,
    status: "waiting",
    startedAt: undefined,
    endedAt: undefined,
    note: "",
    events: [],
  })
  return Object.fromEntries(PHASES.map(name => [name, phase(name)])) as Record<PhaseName, Phase>
}
