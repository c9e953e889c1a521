import { useEffect, useRef } from "preact/hooks"
import { PageHeader } from "./beam.tsx"
import type { Light } from "./phases.ts"
import type { Ending } from "./room-store.ts"

interface EndedProps {
  room: string
  /** Why it ended; undefined: the person left. */
  ending: Ending | undefined
  onRejoin: () => void
}

const BROKEN: readonly Light[] = ["broken"]

/** After the call: by choice, or because something ended it. */
export function Ended({ room, ending, onRejoin }: EndedProps) {
  const trouble = ending?.trouble
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => heading.current?.focus(), [])
  return (
    <div class="page">
      <PageHeader lights={trouble ? BROKEN : []} end={room} />
      <main class="ended">
        <p class="eyebrow">
          <bdi>{room}</bdi>
        </p>
        <h1 ref={heading} tabIndex={-1}>
          {trouble ? trouble.message : "You left"}
        </h1>
        <p class="lead">{trouble ? trouble.hint : "The room stays open for the others, and for you."}</p>
        <div class="ended-actions">
          <button type="button" class="button primary" data-testid="rejoin" onClick={onRejoin}>
            Rejoin
          </button>
          <a class="button" href="/">
            New call
          </a>
        </div>
        {ending?.link && (
          <p class="help">
            <a href={ending.link} rel="noreferrer" target="_blank">
              More about this error
            </a>
          </p>
        )}
      </main>
    </div>
  )
}
