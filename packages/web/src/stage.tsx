import type { RemoteParticipant } from "@tightbeam/client"
import { useLayoutEffect, useRef, useState } from "preact/hooks"
import { arrange, type Rect } from "./arrange.ts"
import { CopyButton } from "./copy-button.tsx"
import type { RoomStore } from "./room-store.ts"
import type { ShareLink } from "./share-link.ts"
import { planStage, type TileOf } from "./stage-plan.ts"
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
  const plan = planStage(room.participants, store.pinned.value, store.voices.floor.value)
  const { front, faces, selfFloats } = arrange(plan.rest.length + 1, plan.front.length, width, height, GAP)
  const placed = [
    ...plan.front.map((tile, i) => ({ tile, rect: front[i]! })),
    ...plan.rest.map((tile, i) => ({ tile, rect: faces[i + 1]! })),
  ]
  return (
    <div class="stage" ref={box} data-floats={selfFloats}>
      {width > 0 && (
        <>
          {room.participants.length === 0 && <Alone room={store.room} link={link} />}
          {inOrder(placed, room.participants).map(({ tile: { participant, screen }, rect }) =>
            screen ? (
              <ScreenTile
                key={`${participant.id} ${screen.id}`}
                track={screen.track}
                name={participant.name}
                rect={rect}
              />
            ) : (
              <RemoteTile key={participant.id} store={store} participant={participant} rect={rect} />
            ),
          )}
          <SelfTile room={room} rect={faces[0]!} floats={selfFloats} onDevices={onDevices} />
        </>
      )}
    </div>
  )
}

interface Placed {
  readonly tile: TileOf
  readonly rect: Rect
}

/** Screens, then people as they came: who comes to the front moves there, and keeps the place in the page's order. */
function inOrder(placed: readonly Placed[], people: readonly RemoteParticipant[]): readonly Placed[] {
  const order = ({ tile: { participant, screen } }: Placed): number =>
    people.indexOf(participant) + (screen ? 0 : people.length)
  return placed.toSorted((a, b) => order(a) - order(b))
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
