import { useEffect, useRef } from "preact/hooks"
import { PageHeader } from "./beam.tsx"
import { Avatar } from "./person-name.tsx"
import { PreviewFrame } from "./preview.tsx"
import { isMuted } from "./room-api.ts"
import type { RoomStore } from "./room-store.ts"

/** Before the door of a locked room: seen by nobody yet, and how one will be seen. */
export function Waiting({ store, name, onCancel }: { store: RoomStore; name: string; onCancel: () => void }) {
  const { publications } = store.snapshot.value
  const camera = publications.find(({ source }) => source === "camera")
  const microphone = publications.find(({ source }) => source === "microphone")
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    heading.current?.focus()
    document.title = `Waiting · ${store.room} · Tightbeam`
  }, [store.room])
  return (
    <div class="page">
      <PageHeader lights={WAITING} end={store.room} />
      <main class="waiting" data-testid="waiting">
        <div role="status">
          <h1 ref={heading} tabIndex={-1}>
            A host will let you in
          </h1>
          <p class="lead">They know that you are here. Nobody sees or hears you yet; leave this page open.</p>
        </div>
        <PreviewFrame
          track={isMuted(camera) ? undefined : camera?.track}
          sounds={!isMuted(microphone)}
          shows={!isMuted(camera)}
          onTurn={kind => void store.toggle(kind)}
        >
          <Avatar name={name} />
          <p>Your camera is off</p>
        </PreviewFrame>
        <button type="button" class="button" data-testid="cancel" onClick={onCancel}>
          Cancel
        </button>
      </main>
    </div>
  )
}

const WAITING = ["slow"] as const
