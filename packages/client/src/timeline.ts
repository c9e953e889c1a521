/** The six phases that every connection goes through, in order. */
export const PHASES = [
  "signaling",
  "offer-answer",
  "candidates",
  "checks",
  "security",
  "transmission",
] as const

export type PhaseName = (typeof PHASES)[number]

/** `waiting`: it has not begun. `recovering`: it was done, broke, and is being mended. */
export type PhaseStatus = "waiting" | "active" | "done" | "recovering" | "failed"

export interface Phase {
  readonly name: PhaseName
  readonly status: PhaseStatus
  /** ms on performance.now(), where the phase has begun. */
  readonly startedAt: number | undefined
  /** ms, where it was done or has failed; the duration is the difference. Of several times that it was done, the first. */
  readonly endedAt: number | undefined
  /**
   * While active or recovering: what it waits for, to follow "Waiting for": `Ben's answer`. When done: what was
   * reached, in a few words. After a failure: what was wrong, in sentences. May contain strangers' text.
   */
  readonly note: string
  /** What happened in it, oldest first; capped at 100. */
  readonly events: readonly PhaseEvent[]
}

export interface PhaseEvent {
  /** ms on performance.now(). */
  readonly at: number
  readonly kind: string
  /** A short sentence. May contain strangers' text: show it as text. */
  readonly text: string
}

export interface CandidateSummary {
  readonly type: "host" | "srflx" | "prflx" | "relay"
  readonly protocol: "udp" | "tcp"
  /** `192.0.2.1:5000`; empty where the browser hides it. */
  readonly address: string
  /** How the relay is reached, for our own relay candidates. */
  readonly relayProtocol?: "udp" | "tcp" | "tls"
}

/** The pair of candidates that carries the call. */
export interface SelectedPath {
  readonly route: "direct" | "relayed"
  /** What the media goes over on the wire, from this end. */
  readonly over: "UDP" | "TCP" | "TLS"
  readonly local: CandidateSummary
  readonly remote: CandidateSummary
  /** ms; undefined until measured. */
  readonly roundTripTime: number | undefined
}

/** One connection to one peer: its phases, and what it came to. */
export interface Timeline {
  readonly peer: string
  /** Of the phases together: `connecting` until all are done. */
  readonly status: "connecting" | "connected" | "recovering" | "failed"
  readonly phases: readonly Phase[]
  readonly path: SelectedPath | undefined
  /** "DTLS 1.3, AES-128-GCM"; undefined until known. */
  readonly security: string | undefined
}
