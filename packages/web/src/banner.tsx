import type { RoomSnapshot } from "@tightbeam/client"
import { useEffect, useState } from "preact/hooks"
import { useNow } from "./clock.ts"
import { formatDuration, secondsLeft } from "./duration.ts"
import { CloseIcon } from "./icons.tsx"
import { online } from "./online.ts"
import type { Quality } from "./quality.ts"
import type { RoomStore, Trouble } from "./room-store.ts"

/** From so long on it is said for how long, ms. */
const WORTH_TELLING = 30_000

/** What is true of the way to the server, while it is not as it should be. */
export function StateBanner({
  room,
  qualities,
  onRetry,
}: {
  room: RoomSnapshot
  qualities: ReadonlyMap<string, Quality>
  onRetry: () => void
}) {
  const { state } = room
  const broken = state.status === "reconnecting"
  const now = useNow(broken && state.retryAt !== undefined, 250)
  const [since, setSince] = useState(0)
  useEffect(() => {
    if (broken) setSince(performance.now())
  }, [broken])
  if (!broken) return null
  const left = state.retryAt === undefined ? 0 : secondsLeft(state.retryAt, now)
  const gone = since > 0 && now - since > WORTH_TELLING ? ` For ${formatDuration(now - since)} now.` : ""
  const lost = whatIsLost(room, qualities)
  return (
    <div class="banner" role="status" data-testid="state-banner" data-status={state.status}>
      <i class="bead" data-light="slow" />
      <p>
        <strong>{lost.what}</strong>{" "}
        <span>
          {lost.means}
          <span aria-hidden="true">{gone}</span>
        </span>
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

function whatIsLost(
  { state, participants }: RoomSnapshot,
  qualities: ReadonlyMap<string, Quality>,
): { what: string; means: string } {
  if (!online.value)
    return {
      what: "You are offline.",
      means: "Check your Wi-Fi or cable; the call goes on as soon as it can.",
    }
  const what = state.reason?.message ?? "The connection to the server is lost."
  const connected = participants.filter(({ timeline }) => timeline.status === "connected")
  const goesOn = connected.some(({ id }) => qualities.get(id)?.grade !== "lost")
  if (goesOn) return { what, means: "Sound and picture go on; nobody new can join you." }
  if (connected.length > 0)
    return { what, means: "Nothing arrives from the others either: your network may have changed." }
  return { what, means: "Nobody can join you until the server is back." }
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
