import { useEffect } from "preact/hooks"
import type { RoomStore } from "./room-store.ts"

/** What is said, in writing, over the lower end of the stage. */
export function CaptionsRegion({ store }: { store: RoomStore }) {
  const { captions } = store
  const lines = captions.lines.value
  useEffect(() => {
    if (lines.length === 0) return undefined
    const timer = setInterval(() => captions.forget(performance.now()), 500)
    return () => clearInterval(timer)
  }, [captions, lines.length > 0])
  return (
    <section class="captions" aria-label="Captions" data-testid="captions">
      {lines.map(({ from, name, text, at }) => (
        <p key={`${from} ${at}`} dir="auto">
          <bdi>{name}</bdi> {text}
        </p>
      ))}
    </section>
  )
}
