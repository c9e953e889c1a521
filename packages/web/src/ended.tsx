import { useEffect, useRef } from "preact/hooks"
import { PageHeader } from "./beam.tsx"
import { online } from "./online.ts"
import type { Light } from "./phases.ts"
import type { Ending } from "./room-store.ts"

interface EndedProps {
  room: string
  /** Why it ended; undefined: the person left. */
  ending: Ending | undefined
  onRejoin: () => void
}

const BROKEN: readonly Light[] = ["broken"]

interface Words {
  readonly title: string
  readonly lead: string
  /** What the button to come back says; undefined: there is none. */
  readonly again: string | undefined
  /** Something failed, rather than somebody decided. */
  readonly failed: boolean
}

function wordsFor(ending: Ending | undefined): Words {
  if (ending === undefined)
    return {
      title: "You left",
      lead: "The room stays open for the others, and for you.",
      again: "Rejoin",
      failed: false,
    }
  const { code, trouble } = ending
  if (code === "kicked")
    return {
      title: "A host removed you from the call",
      lead: "If you think that this was a mistake, ask them by another way.",
      again: undefined,
      failed: false,
    }
  if (code === "not-admitted")
    return {
      title: "A host did not let you in",
      lead: "They may not have known you by your name. Ask them by another way, then try again.",
      again: "Ask again",
      failed: false,
    }
  if (code === "server-unreachable" && !online.value)
    return {
      title: "You are offline",
      lead: "This device has no network. Check its Wi-Fi or cable, then try again.",
      again: "Try again",
      failed: true,
    }
  const again =
    code === "server-unreachable" || code === "room-full" || code === "server-full" ? "Try again" : "Rejoin"
  return { title: trouble.message, lead: trouble.hint, again, failed: true }
}

/** After the call: by choice, or because something or somebody ended it. */
export function Ended({ room, ending, onRejoin }: EndedProps) {
  const { title, lead, again, failed } = wordsFor(ending)
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => heading.current?.focus(), [])
  return (
    <div class="page">
      <PageHeader lights={failed ? BROKEN : []} end={room} />
      <main class="ended" data-code={ending?.code ?? "left"}>
        <p class="eyebrow">
          <bdi>{room}</bdi>
        </p>
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        <p class="lead">{lead}</p>
        <div class="ended-actions">
          {again && (
            <button type="button" class="button primary" data-testid="rejoin" onClick={onRejoin}>
              {again}
            </button>
          )}
          <a class="button" href="/">
            New call
          </a>
        </div>
        {failed && ending?.link && (
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
