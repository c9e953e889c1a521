import { TightbeamError } from "@tightbeam/client"
import { render } from "preact"
import { useEffect, useRef } from "preact/hooks"
import { MicrophoneIcon, MicrophoneOffIcon } from "./icons.tsx"
import { Avatar, PersonName, tintOf } from "./person-name.tsx"
import { canShowPicture, type DocumentPicture, documentPicture } from "./picture-support.ts"
import { isMuted } from "./room-api.ts"
import type { RoomStore } from "./room-store.ts"
import { planStage } from "./stage-plan.ts"
import { TrackVideo } from "./track-media.tsx"

/** Opens a small window that stays on top, with whoever is at the front; or closes it. Wants a click or a key just before. */
export async function togglePicture(store: RoomStore): Promise<void> {
  if (store.closePicture.value) return store.closePicture.value()
  try {
    const pages = documentPicture()
    if (pages) await openPage(store, pages)
    else if (canShowPicture()) await openVideo(store)
  } catch (cause) {
    store.trouble.value = {
      message: "The browser did not open a picture in picture.",
      hint: cause instanceof TightbeamError ? cause.hint : "Click in the page, then try again.",
    }
  }
}

/** A page of its own (Document Picture-in-Picture). */
async function openPage(store: RoomStore, pages: DocumentPicture): Promise<void> {
  const opened = await pages.requestWindow({ width: 360, height: 240 })
  const { document: page } = opened
  page.title = store.room
  for (const style of document.querySelectorAll("link[rel=stylesheet]"))
    page.head.append(page.importNode(style, true))
  render(<Picture store={store} />, page.body)
  store.closePicture.value = () => opened.close()
  opened.addEventListener("pagehide", () => {
    render(null, page.body)
    store.closePicture.value = undefined
  })
}

/** The browser's own window for one video. */
async function openVideo(store: RoomStore): Promise<void> {
  const who = front(store)?.participant.id
  const video =
    document.querySelector<HTMLVideoElement>(`.screen video, .tile[data-participant="${who}"] video`) ??
    document.querySelector<HTMLVideoElement>('.tile:not([data-participant="self"]) video')
  if (video === null)
    throw new TightbeamError(
      "not-supported",
      "Nobody shows a picture.",
      "Nobody shows a picture now: try again when somebody does.",
    )
  await video.requestPictureInPicture()
  store.closePicture.value = () => void document.exitPictureInPicture()
  video.addEventListener("leavepictureinpicture", () => (store.closePicture.value = undefined), {
    once: true,
  })
}

/** Whoever is at the front of the stage, else who has the floor, else anybody. */
function front(store: RoomStore) {
  const { participants } = store.snapshot.value
  const { front, rest } = planStage(participants, store.pinned.value, store.voices.floor.value)
  return front[0] ?? rest.find(({ participant }) => participant.id === store.voices.floor.value) ?? rest[0]
}

function Picture({ store }: { store: RoomStore }) {
  const tile = front(store)
  const muted = isMuted(store.snapshot.value.publications.find(({ source }) => source === "microphone"))
  const button = useRef<HTMLButtonElement>(null)
  useEffect(() => button.current?.focus(), [])
  const name = tile?.participant.name ?? "Only you"
  const camera = tile?.participant.publications.find(({ source, muted }) => source === "camera" && !muted)
  const track = tile?.screen?.track ?? camera?.track
  return (
    <main class="picture" data-tint={tintOf(tile?.participant.id ?? "self")}>
      {track ? <TrackVideo track={track} whole={tile?.screen !== undefined} /> : <Avatar name={name} />}
      <p class="name-tag">
        <PersonName name={name} />
      </p>
      <button
        ref={button}
        type="button"
        class="round picture-mic"
        aria-label="Microphone"
        aria-pressed={!muted}
        onClick={() => void store.toggle("microphone")}
      >
        {muted ? <MicrophoneOffIcon /> : <MicrophoneIcon />}
      </button>
    </main>
  )
}
