import { PHASES, type Timeline } from "@tightbeam/client"
import { useNow } from "./clock.ts"
import { type Light, lightOf } from "./phases.ts"

/**
 * The beam: a thin line strung with six beads, one for each phase. A stretch is lit when the bead at its
 * end is; the last one when all are. Seen only: whoever places it says the same in words.
 */
export function Beam({ lights, size }: { lights: readonly Light[]; size: "mini" | "line" | "mark" }) {
  const whole = lights.length === PHASES.length && lights.every(light => light === "lit")
  return (
    <span class="beam" data-size={size} aria-hidden="true">
      {PHASES.map((name, i) => (
        <Bead key={name} light={lights[i] ?? "dark"} />
      ))}
      <i class="stretch" data-light={whole ? "lit" : lights.includes("broken") ? "cut" : "dark"} />
    </span>
  )
}

function Bead({ light }: { light: Light }) {
  return (
    <>
      <i class="stretch" data-light={light} />
      <i class="bead" data-light={light} />
    </>
  )
}

/** The beam of one connection, moving from green to amber by itself while a phase takes long. */
export function TimelineBeam({ timeline, size }: { timeline: Timeline; size: "mini" | "line" }) {
  const now = useNow(timeline.status === "connecting", 500)
  return <Beam lights={timeline.phases.map(phase => lightOf(phase, now))} size={size} />
}

/** The top of a page outside the call: the name, and the beam as it stands there, where the call will light it. */
export function PageHeader({ lights, end }: { lights: readonly Light[]; end: string }) {
  return (
    <header class="page-header">
      <a class="wordmark" href="/">
        Tightbeam
      </a>
      <Beam lights={lights} size="line" />
      <p class="page-end" title={end}>
        <bdi>{end}</bdi>
      </p>
    </header>
  )
}

const LIT: readonly Light[] = PHASES.map(() => "lit")

/** The name of the thing, with its mark. */
export function Wordmark() {
  return (
    <a class="wordmark" href="/">
      <Beam lights={LIT} size="mark" />
      Tightbeam
    </a>
  )
}
