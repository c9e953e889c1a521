import type { LocalPublicationView, RemoteParticipant, RoomSnapshot } from "@tightbeam/client"
import type { ComponentChildren } from "preact"
import { placed, type Rect } from "./arrange.ts"
import { TimelineBeam } from "./beam.tsx"
import { useNow } from "./clock.ts"
import { formatDuration } from "./duration.ts"
import { handOrder } from "./hands.ts"
import {
  HandIcon,
  MicrophoneOffIcon,
  MoreIcon,
  PinIcon,
  RemoveIcon,
  SlidersIcon,
  TimelineIcon,
} from "./icons.tsx"
import { MenuItem } from "./menu.tsx"
import { useMeter } from "./mic-meter.ts"
import { pathChip } from "./path-words.ts"
import { Avatar, PersonName, tintOf } from "./person-name.tsx"
import { currentPhase, noteSentence, PHASE_WORDS, phaseDuration } from "./phases.ts"
import { type Choose, Popover } from "./popover.tsx"
import { QualityMark } from "./quality-mark.tsx"
import { ReconnectButton } from "./reconnect-button.tsx"
import { isMuted } from "./room-api.ts"
import type { RoomStore } from "./room-store.ts"
import { TrackVideo } from "./track-media.tsx"

interface FrameProps {
  rect: Rect
  participant: string
  label: string
  speaking: boolean
  floats?: boolean
  children: ComponentChildren
}

function Frame({ rect, participant, label, speaking, floats = false, children }: FrameProps) {
  return (
    <article
      class="tile"
      data-testid="tile"
      data-participant={participant}
      data-tint={tintOf(participant)}
      data-speaking={speaking}
      data-floats={floats}
      aria-label={label}
      style={placed(rect)}
    >
      {children}
    </article>
  )
}

interface NameTagProps {
  name: string
  note?: string
  muted: boolean
  pinned?: boolean
  /** The place of a raised hand among all that are up. */
  hand?: number | undefined
}

function NameTag({ name, note, muted, pinned = false, hand }: NameTagProps) {
  return (
    <p class="name-tag" data-hand={hand !== undefined}>
      {hand !== undefined && (
        <span class="hand-mark figures" role="img" aria-label={`Hand raised, number ${hand}`}>
          <HandIcon />
          {hand}
        </span>
      )}
      {pinned && (
        <span class="muted-mark" role="img" aria-label="Pinned">
          <PinIcon />
        </span>
      )}
      {muted && (
        <span class="muted-mark" role="img" aria-label="Muted">
          <MicrophoneOffIcon />
        </span>
      )}
      <PersonName name={name} {...(note && { note })} />
    </p>
  )
}

const of = (publications: readonly LocalPublicationView[], source: string) =>
  publications.find(publication => publication.source === source)

interface SelfTileProps {
  room: RoomSnapshot
  rect: Rect
  floats: boolean
  onDevices: () => void
}

/** Oneself, mirrored as people know themselves. */
export function SelfTile({ room, rect, floats, onDevices }: SelfTileProps) {
  const camera = of(room.publications, "camera")
  const microphone = of(room.publications, "microphone")
  const muted = isMuted(microphone)
  const { speaking } = useMeter(muted ? undefined : microphone?.track)
  const name = room.self?.name ?? "You"
  return (
    <Frame rect={rect} participant="self" label="You" speaking={speaking.value} floats={floats}>
      {camera && !camera.muted ? <TrackVideo track={camera.track} mirrored /> : <Avatar name={name} />}
      <NameTag name="You" muted={muted} hand={room.self && handOrder(room).get(room.self.id)} />
      <button type="button" class="tile-button" aria-label="Devices" title="Devices" onClick={onDevices}>
        <SlidersIcon />
      </button>
    </Frame>
  )
}

interface RemoteTileProps {
  store: RoomStore
  participant: RemoteParticipant
  rect: Rect
}

/** Somebody else, with the beam to them while it is not whole. */
export function RemoteTile({ store, participant, rect }: RemoteTileProps) {
  const { id, name, away, publications, timeline } = participant
  const camera = publications.find(({ source, muted }) => source === "camera" && !muted)
  const muted = isMuted(publications.find(({ source }) => source === "microphone"))
  const pinned = store.pinned.value?.id === id
  const quality = store.qualities.value.get(id)
  return (
    <Frame rect={rect} participant={id} label={name} speaking={store.voices.speaking.value.has(id)}>
      {camera?.track ? <TrackVideo track={camera.track} /> : <Avatar name={name} />}
      <div class="chips">
        <Connection participant={participant} onTimeline={() => store.watch(id)} />
        {timeline.status === "connected" && quality && <QualityMark name={name} quality={quality} />}
      </div>
      {timeline.status === "failed" && (
        <ReconnectButton name={name} onReconnect={() => store.reconnect(id)} />
      )}
      <NameTag
        name={name}
        muted={muted}
        pinned={pinned}
        hand={handOrder(store.snapshot.value).get(id)}
        {...(away && { note: "connection lost, may be back" })}
      />
      <Popover label={`More for ${name}`} class="tile-button" testid="tile-menu" face={<MoreIcon />}>
        {choose => <TileMenu store={store} participant={participant} pinned={pinned} choose={choose} />}
      </Popover>
    </Frame>
  )
}

interface TileMenuProps {
  store: RoomStore
  participant: RemoteParticipant
  pinned: boolean
  choose: Choose
}

function TileMenu({ store, participant, pinned, choose }: TileMenuProps) {
  return (
    <>
      <MenuItem
        testid="pin"
        icon={<PinIcon />}
        onClick={choose(() => store.pin(pinned ? undefined : participant))}
      >
        {pinned ? "Unpin" : "Pin"}
      </MenuItem>
      <MenuItem icon={<TimelineIcon />} onClick={choose(() => store.watch(participant.id))}>
        Connection
      </MenuItem>
      {store.snapshot.value.self?.host && (
        <MenuItem
          testid="kick"
          class="danger"
          icon={<RemoveIcon />}
          onClick={choose(() => (store.kicking.value = participant))}
        >
          Remove from the call…
        </MenuItem>
      )}
    </>
  )
}

/** The beam while the connection comes up or breaks; a small chip with the path once it stands. */
function Connection({ participant, onTimeline }: { participant: RemoteParticipant; onTimeline: () => void }) {
  const { timeline, name } = participant
  const now = useNow(timeline.status === "connecting" || timeline.status === "recovering", 200)
  if (timeline.status === "connected") {
    if (timeline.path === undefined) return null
    const [route, ...rest] = pathChip(timeline.path)
    return (
      <button
        type="button"
        class="path-chip"
        data-testid="path"
        data-route={timeline.path.route}
        onClick={onTimeline}
      >
        <i class="bead" data-light="lit" />
        <span>{route}</span>
        {rest.map(part => (
          <span class="path-detail" key={part}>
            {part}
          </span>
        ))}
        <span class="hidden">: open the timeline of the connection to {name}</span>
      </button>
    )
  }
  const phase = currentPhase(timeline)
  const title = phase ? PHASE_WORDS[phase.name].title : "Connecting"
  const elapsed = phase?.status === "active" ? phaseDuration(phase, now) : undefined
  const words = {
    connecting: title,
    recovering: `Mending: ${title.toLowerCase()}`,
    failed: `Not connected: broke at ${title.toLowerCase()}`,
  }[timeline.status]
  return (
    <button type="button" class="tile-beam" data-status={timeline.status} onClick={onTimeline}>
      <TimelineBeam timeline={timeline} size="mini" />
      <span class="tile-beam-words">
        <span>{words}</span>
        {elapsed !== undefined && <span class="figures">{formatDuration(elapsed)}</span>}
      </span>
      {phase && <span class="tile-beam-note">{noteSentence(phase)}</span>}
      <span class="hidden">Open the timeline of the connection to {name}</span>
    </button>
  )
}

/** A shared screen: all of it is shown, nothing is cut. */
export function ScreenTile({ track, rect, name }: { track: MediaStreamTrack; rect: Rect; name: string }) {
  return (
    <article class="tile screen" data-source="screen" aria-label={`${name}’s screen`} style={placed(rect)}>
      <TrackVideo track={track} whole />
      <p class="name-tag">
        <PersonName name={name} note="screen" />
      </p>
    </article>
  )
}
