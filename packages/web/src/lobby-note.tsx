import { useLayoutEffect, useRef } from "preact/hooks"
import type { RoomStore } from "./room-store.ts"

/** So many are named; of the others it is said how many they are. */
const NAMED = 3

/** For a host: who waits to be let in. Shown while anybody does. */
export function LobbyNote({ store }: { store: RoomStore }) {
  const waiting = store.snapshot.value.lobby?.waiting ?? []
  const note = useRef<HTMLElement>(null)
  const acted = useRef(false)
  // The button that had the focus is gone: it goes on to who waits next, or back to the controls.
  useLayoutEffect(() => {
    if (acted.current) note.current?.querySelector<HTMLElement>("[data-testid=admit]")?.focus()
    acted.current = false
  }, [waiting.length])
  useLayoutEffect(
    () => () => {
      if (acted.current) document.querySelector<HTMLElement>("[data-testid=more]")?.focus()
    },
    [],
  )
  const more = waiting.length - NAMED
  return (
    <section
      ref={note}
      class="banner lobby-note"
      aria-label="Waiting to join"
      data-testid="lobby-note"
      onClick={() => (acted.current = true)}
    >
      <ul>
        {waiting.slice(0, NAMED).map(({ id, name }) => (
          <li key={id}>
            <p>
              <strong>
                <bdi>{name}</bdi>
              </strong>{" "}
              wants to join.
            </p>
            <button
              type="button"
              class="button small"
              data-testid="deny"
              aria-label={`Turn away: ${name}`}
              onClick={() => store.deny(id)}
            >
              Turn away
            </button>
            <button
              type="button"
              class="button small primary"
              data-testid="admit"
              aria-label={`Let in: ${name}`}
              onClick={() => store.admit(id)}
            >
              Let in
            </button>
          </li>
        ))}
        {waiting.length > 1 && (
          <li>
            <p>{more > 0 && `${more} more ${more === 1 ? "waits" : "wait"}.`}</p>
            <button
              type="button"
              class="button small"
              onClick={() => {
                for (const { id } of waiting) store.admit(id)
              }}
            >
              Let all in
            </button>
          </li>
        )}
      </ul>
    </section>
  )
}
