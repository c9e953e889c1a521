import { capture, captureScreen } from "./devices.ts"
import { LocalPublication } from "./local-publication.ts"
import type { Source } from "./messages.ts"
import type { PublishOptions } from "./room.ts"

interface Publisher {
  newId(source: Source): string
  /** Whether the room was left since it was asked. */
  left(): Error | undefined
  changed(publication: LocalPublication, change: "published" | "updated" | "unpublished"): void
}

/** `Room.publish`: loaded when somebody publishes. */
export async function publish(
  what: "camera" | "microphone" | "screen" | MediaStreamTrack,
  { deviceId, source = "custom", muted = false }: PublishOptions,
  publisher: Publisher,
): Promise<LocalPublication> {
  let tracks: MediaStreamTrack[]
  if (what === "screen") tracks = await captureScreen()
  else if (typeof what === "string") tracks = [await capture(what, { deviceId })]
  else tracks = [what]
  const left = publisher.left()
  if (left !== undefined) {
    // Nothing of what the browser gave stays on if the room was left while it asked.
    if (typeof what === "string") for (const track of tracks) track.stop()
    throw left
  }
  const stream = new MediaStream(tracks)
  const sourceOf = ({ kind }: MediaStreamTrack): Source => {
    if (what === "screen") return kind === "video" ? "screen" : "screen-audio"
    return typeof what === "string" ? what : source
  }
  const published = tracks.map(track => {
    const publication = new LocalPublication(
      publisher.newId(sourceOf(track)),
      sourceOf(track),
      track,
      stream,
      {
        changed: it => publisher.changed(it, "updated"),
        unpublished: it => {
          publisher.changed(it, "unpublished")
          // A screen's sound ends with its picture.
          if (it.source === "screen") for (const other of published) void other.unpublish()
        },
      },
    )
    publisher.changed(publication, "published")
    return publication
  })
  const first = published.find(({ kind }) => kind === "video") ?? published[0]!
  if (muted) await first.mute()
  return first
}
