import type { RoomSnapshot } from "@tightbeam/client"
import { useLayoutEffect, useRef, useState } from "preact/hooks"
import { arrange } from "./arrange.ts"
import { CopyButton } from "./copy-button.tsx"
import type { RoomStore } from "./room-store.ts"
import type { ShareLink } from "./share-link.ts"
import { RemoteTile, ScreenTile, SelfTile } from "./tile.tsx"

/** Between tiles, CSS pixels. */
const GAP = 8

interface StageProps {
  store: RoomStore
  link: ShareLink
  onDevices: () => void
}

/** Everybody, placed so that faces are as large as they can be. */
export function Stage({ store, link, onDevices }: StageProps) {
  const box = useRef<HTMLDivElement>(null)
  const [{ width, height }, setSize] = useState({ width: 0, height: 0 })
  useLayoutEffect(() => {
    const measure = (): void => {
      const { clientWidth, clientHeight } = box.current!
      setSize({ width: clientWidth, height: clientHeight })
    }
    measure()
    const watching = new ResizeObserver(measure)
    watching.observe(box.current!)
    return () => watching.disconnect()
  }, [])

  const room = store.snapshot.value
  const shared = sharedScreen(room)
  const { faces, screen, selfFloats } = arrange(
    room.participants.length + 1,
    shared !== undefined,
    width,
    height,
    GAP,
  )
  return (
    <div class="stage" ref={box} data-floats={selfFloats}>
      {width > 0 && (
        <>
          {room.participants.length === 0 && <Alone room={store.room} link={link} />}
          {shared && screen && <ScreenTile track={shared.track} name={shared.name} rect={screen} />}
          {room.participants.map((participant, i) => (
            <RemoteTile
              key={participant.id}
              participant={participant}
              rect={faces[i + 1]!}
              onTimeline={() => store.watch(participant.id)}
              onReconnect={() => store.reconnect(participant.id)}
            />
          ))}
          <SelfTile room={room} rect={faces[0]!} floats={selfFloats} onDevices={onDevices} />
        </>
      )}
    </div>
  )
}

/** The screen that takes the stage: the latest that somebody else shares. */
function sharedScreen(room: RoomSnapshot): { track: MediaStreamTrack; name: string } | undefined {
  for (const { name, publications } of room.participants.toReversed()) {
    const screen = publications.find(({ source }) => source === "screen")
    if (screen?.track) return { track: screen.track, name }
  }
  return undefined
}

/** Nobody else is here: the link is all that matters. */
function Alone({ room, link }: { room: string; link: ShareLink }) {
  return (
    <section class="alone" aria-labelledby="alone">
      <h2 id="alone">You’re the only one here</h2>
      <p class="lead">Send this link. Whoever opens it joins you.</p>
      <p class="big-link">{link.url.replace(/^https?:\/\//, "")}</p>
      <CopyButton class="button primary" text={link.url}>
        Copy link
      </CopyButton>
      {link.replacesLocalhost && <p class="help">It works for others on your network.</p>}
      <span class="hidden">Room {room}</span>
    </section>
  )
}
