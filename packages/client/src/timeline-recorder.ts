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
    this.#path = undefined
    this.#security = undefined
    this.event("signaling", "restart", why)
  }

  /** The phase goes on, waiting for what `note` says. Keeps its beginning; a done phase that begins again is recovering. */
  begin(name: PhaseName, note: string, at: number = this.#now()): void {
    const phase = this.#phases[name]
    const status = phase.status === "done" || phase.status === "recovering" ? "recovering" : "active"
    this.#set(name, { status, startedAt: phase.startedAt ?? at, endedAt: undefined, note })
  }

  done(name: PhaseName, note: string, at: number = this.#now()): void {
    const { startedAt = at, status, endedAt } = this.#phases[name]
    // The first success is what it took; mending later does not rewrite it.
    this.#set(name, { status: "done", startedAt, endedAt: status === "done" ? endedAt : at, note })
  }

  fail(name: PhaseName, note: string): void {
    const { startedAt = this.#now() } = this.#phases[name]
    this.#set(name, { status: "failed", startedAt, endedAt: this.#now(), note })
    this.event(name, "failed", note)
  }

  event(name: PhaseName, kind: string, text: string, at: number = this.#now()): void {
    const event: PhaseEvent = { at, kind, text }
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
