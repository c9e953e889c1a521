import type { RemoteParticipant } from "@tightbeam/client"
import { useEffect, useRef } from "preact/hooks"
import type { RoomStore } from "./room-store.ts"

/** Nobody is sent out by a slip of the hand. */
export function KickDialog({ store, participant }: { store: RoomStore; participant: RemoteParticipant }) {
  const dialog = useRef<HTMLDialogElement>(null)
  const kicked = useRef(false)
  const { id, name } = participant
  useEffect(() => dialog.current!.showModal(), [])
  const locked = store.snapshot.value.lobby?.locked ?? false
  return (
    <dialog
      class="dialog"
      ref={dialog}
      aria-labelledby="kick"
      aria-describedby="kick-means"
      onClose={() => {
        store.kicking.value = undefined
        // The button that it came from goes with the tile.
        if (kicked.current) document.querySelector<HTMLElement>("[data-testid=more]")?.focus()
      }}
    >
      <form
        class="dialog-question"
        method="dialog"
        onSubmit={() => {
          kicked.current = true
          store.kick(id)
        }}
      >
        <h2 id="kick">
          Remove <bdi>{name}</bdi> from the call?
        </h2>
        <p class="help" id="kick-means">
          {locked
            ? "They can come back only if a host lets them in."
            : "Whoever has the link can come back. Turn the waiting room on to decide who does."}
        </p>
        <div class="dialog-buttons">
          <button type="button" class="button" onClick={() => dialog.current!.close()}>
            Cancel
          </button>
          <button type="submit" class="button danger" data-testid="kick-confirm">
            Remove
          </button>
        </div>
      </form>
    </dialog>
  )
}
