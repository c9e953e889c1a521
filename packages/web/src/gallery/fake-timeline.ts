import {
  PHASES,
  type Phase,
  type PhaseEvent,
  type PhaseName,
  type PhaseStatus,
  type SelectedPath,
  type Timeline,
} from "@tightbeam/client"

const TOOK: Readonly<Record<PhaseName, number>> = {
  signaling: 12,
  "offer-answer": 38,
  candidates: 41,
  checks: 67,
  security: 31,
  transmission: 24,
}

const EVENTS: Readonly<Record<PhaseName, readonly string[]>> = {
  signaling: ["They joined the room", "The server named us the one who offers"],
  "offer-answer": ["Our offer was sent", "Their answer arrived"],
  candidates: [
    "Ours: host 192.168.1.20:51022 over UDP",
    "Ours: reflexive 203.0.113.7:51022 over UDP",
    "Theirs: host 192.168.1.31:40112 over UDP",
    "Ours: relayed 198.51.100.4:49201 over UDP",
  ],
  checks: ["12 pairs to try", "192.168.1.20:51022 reached 192.168.1.31:40112", "That pair was chosen"],
  security: ["The handshake began", "Their certificate is the one they announced"],
  transmission: ["The first sound arrived", "The first picture arrived"],
}

export const DIRECT: SelectedPath = {
  route: "direct",
  over: "UDP",
  local: { type: "host", protocol: "udp", address: "192.168.1.20:51022" },
  remote: { type: "host", protocol: "udp", address: "192.168.1.31:40112" },
  roundTripTime: 12,
}

export const RELAYED: SelectedPath = {
  route: "relayed",
  over: "UDP",
  local: { type: "relay", protocol: "udp", address: "198.51.100.4:49201", relayProtocol: "udp" },
  remote: { type: "srflx", protocol: "udp", address: "203.0.113.99:33812" },
  roundTripTime: undefined,
}

/** A timeline that came as far as `until`, which has `status` and says `note`. */
export function timelineAt(
  peer: string,
  until: PhaseName | "end",
  status: PhaseStatus = "active",
  note = "",
  runningFor = 800,
): Timeline {
  const reached = until === "end" ? PHASES.length : PHASES.indexOf(until)
  let at = performance.now() - (status === "active" ? runningFor : 30_000)
  at -= PHASES.slice(0, reached).reduce((sum, name) => sum + TOOK[name], 0)
  const phases = PHASES.map((name, i): Phase => {
    if (i > reached)
      return { name, status: "waiting", startedAt: undefined, endedAt: undefined, note: "", events: [] }
    const startedAt = at
    at += TOOK[name]
    const events = EVENTS[name].map((text, n): PhaseEvent => {
      return { at: startedAt + (TOOK[name] * n) / EVENTS[name].length, kind: "event", text }
    })
    if (i < reached) return { name, status: "done", startedAt, endedAt: at, note: "", events }
    const endedAt = status === "failed" ? startedAt + 15_000 : undefined
    return { name, status, startedAt, endedAt, note, events: events.slice(0, 1) }
  })
  const whole = until === "end"
  return {
    peer,
    status: whole
      ? "connected"
      : status === "failed"
        ? "failed"
        : status === "recovering"
          ? "recovering"
          : "connecting",
    phases,
    path: whole ? DIRECT : undefined,
    security: whole ? "DTLS 1.3, AES-128-GCM" : undefined,
  }
}
