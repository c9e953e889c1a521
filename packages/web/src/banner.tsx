import type { RoomState } from "@tightbeam/client"
import { useNow } from "./clock.ts"
import { secondsLeft } from "./duration.ts"
import { CloseIcon } from "./icons.tsx"
import type { RoomStore, Trouble } from "./room-store.ts"

/** What is true of the way to the server, while it is not as it should be. */
export function StateBanner({ state, onRetry }: { state: RoomState; onRetry: () => void }) {
  const counting = state.status === "reconnecting" && state.retryAt !== undefined
  const now = useNow(counting, 250)
  if (state.status !== "reconnecting") return null
  const left = state.retryAt === undefined ? 0 : secondsLeft(state.retryAt, now)
  return (
    <div class="banner" role="status" data-testid="state-banner" data-status={state.status}>
      <i class="bead" data-light="slow" />
      <p>
        <strong>{state.reason?.message ?? "The connection to the server is lost."}</strong>{" "}
        <span>Sound and picture may go on; nobody new can join you.</span>
      </p>
      <p class="figures banner-retry" aria-hidden="true">
        {left > 0 ? `Trying again in ${left} s` : "Trying now…"}
      </p>
      {left > 0 && (
        <button type="button" class="button small" onClick={onRetry}>
          Try now
        </button>
      )}
    </div>
  )
}

/** Something the person asked for did not work. */
export function TroubleNote({ trouble, onClose }: { trouble: Trouble; onClose: () => void }) {
  return (
    <div class="banner" role="alert" data-testid="trouble">
      <i class="bead" data-light="broken" />
      <p>
        <strong>{trouble.message}</strong> <span>{trouble.hint}</span>
      </p>
      <button type="button" class="ghost" aria-label="Dismiss" onClick={onClose}>
        <CloseIcon />
      </button>
    </div>
  )
}

/** One's own screen is being shared: said here rather than shown, for a screen within a screen has no end. */
export function SharingNote({ store }: { store: RoomStore }) {
  if (!store.snapshot.value.publications.some(({ source }) => source === "screen")) return null
  return (
    <div class="banner" role="status">
      <i class="bead" data-light="lit" />
      <p>
        <strong>You are sharing your screen.</strong>
      </p>
      <button type="button" class="button small" onClick={() => void store.toggle("screen")}>
        Stop sharing
      </button>
    </div>
  )
}

/** Pictures are missing because this person wanted it so. */
export function AudioOnlyNote({ store }: { store: RoomStore }) {
  if (!store.view.audioOnly.value) return null
  return (
    <div class="banner" role="status" data-testid="audio-only-note">
      <i class="bead" data-light="dark" />
      <p>
        <strong>Audio only.</strong> <span>You receive no pictures, to save bandwidth.</span>
      </p>
      <button type="button" class="button small" onClick={() => store.setAudioOnly(false)}>
        Show pictures
      </button>
    </div>
  )
}
