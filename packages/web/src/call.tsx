import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks"
import { AudioOnlyNote, SharingNote, StateBanner, TroubleNote } from "./banner.tsx"
import { Beam } from "./beam.tsx"
import { CaptionsRegion } from "./captions-region.tsx"
import { Chat } from "./chat.tsx"
import { useNow } from "./clock.ts"
import { Controls } from "./controls.tsx"
import { formatDuration } from "./duration.ts"
import { LockIcon, SoundIcon } from "./icons.tsx"
import { useIdle } from "./idle.ts"
import { lazy, loadTheRest } from "./lazy.tsx"
import { wake } from "./loudness.ts"
import { recall } from "./memory.ts"
import { overallLights } from "./phases.ts"
import type { Panel, RoomStore } from "./room-store.ts"
import type { ShareLink } from "./share-link.ts"
import { type Action, actionFor, takesText } from "./shortcuts.ts"
import { Stage } from "./stage.tsx"
import { TrackAudio } from "./track-media.tsx"
import { useWakeLock } from "./wake-lock.ts"

const FileDrop = lazy(() => import("./file-drop.tsx").then(({ FileDrop }) => FileDrop))
const Help = lazy(() => import("./help.tsx").then(({ Help }) => Help))
const DeviceDialog = lazy(() => import("./device-dialog.tsx").then(({ DeviceDialog }) => DeviceDialog))
const LobbyNote = lazy(() => import("./lobby-note.tsx").then(({ LobbyNote }) => LobbyNote))
const KickDialog = lazy(() => import("./kick-dialog.tsx").then(({ KickDialog }) => KickDialog))
const TimelinePanel = lazy(() => import("./timeline-panel.tsx").then(({ TimelinePanel }) => TimelinePanel))

interface CallProps {
  store: RoomStore
  link: ShareLink
  onLeave: () => void
}

/** The call: the faces are the page. */
export function Call({ store, link, onLeave }: CallProps) {
  const room = store.snapshot.value
  const panel = store.panel.value
  const [dialog, setDialog] = useState<"help" | "devices">()
  const idle = useIdle(panel !== undefined || dialog !== undefined || room.state.status !== "connected")
  const page = useRef<HTMLDivElement>(null)
  useShortcuts(store, action => {
    if (action === "leave") onLeave()
    else if (action === "help") setDialog("help")
    else if (action === "chat" || action === "timeline") store.show(action)
    else if (action === "hand") store.toggleHand()
    else if (action === "pin") togglePin(store)
    else if (action === "captions") store.view.captions.value = !store.view.captions.value
    else if (action === "audioOnly") store.setAudioOnly(!store.view.audioOnly.value)
    else if (action === "picture") togglePicture(store)
    else void store.toggle(action)
  })
  useFocusAfterPanel(panel, page)
  useWakeLock()
  useConnections(store)
  useEffect(() => void loadTheRest(), [])
  const unread = store.chat.unread.value
  useEffect(() => {
    document.title = `${unread > 0 ? `(${unread}) ` : ""}${store.room} · Tightbeam`
  }, [unread, store.room])
  return (
    <div class="call" ref={page} data-idle={idle} data-panel={panel ?? "none"}>
      <CallHeader store={store} />
      <main class="call-main">
        <div class="banners">
          <StateBanner room={room} qualities={store.qualities.value} onRetry={() => store.retryNow()} />
          {store.trouble.value && (
            <TroubleNote trouble={store.trouble.value} onClose={() => (store.trouble.value = undefined)} />
          )}
          {(room.lobby?.waiting.length ?? 0) > 0 && <LobbyNote store={store} />}
          <SharingNote store={store} />
          <AudioOnlyNote store={store} />
        </div>
        {room.state.status === "connecting" || room.state.status === "idle" ? (
          <Joining store={store} />
        ) : (
          <Stage store={store} link={link} onDevices={() => setDialog("devices")} />
        )}
        {store.view.captions.value && <CaptionsRegion store={store} />}
        <Sound store={store} />
      </main>
      {panel && (
        <aside class="panel" aria-label={panel === "chat" ? "Chat" : "Timeline"}>
          {panel === "chat" ? <Chat store={store} /> : <TimelinePanel store={store} />}
        </aside>
      )}
      <Controls
        store={store}
        link={link}
        onHelp={() => setDialog("help")}
        onDevices={() => setDialog("devices")}
        onPicture={() => togglePicture(store)}
        onLeave={onLeave}
      />
      <FileDrop store={store} />
      {dialog === "help" && <Help onClose={() => setDialog(undefined)} />}
      {dialog === "devices" && <DeviceDialog store={store} onClose={() => setDialog(undefined)} />}
      {store.kicking.value && <KickDialog store={store} participant={store.kicking.value} />}
      <div class="hidden" role="log" aria-label="What happens" data-testid="announcements">
        {store.announcements.value.map(({ key, text }) => (
          <p key={key}>{text}</p>
        ))}
      </div>
    </div>
  )
}

const loadPicture = () => import("./picture.tsx")

function togglePicture(store: RoomStore): void {
  void loadPicture().then(({ togglePicture }) => togglePicture(store))
}

/** P: whoever's tile has the focus, else who speaks; again unpins. */
function togglePin(store: RoomStore): void {
  const { participants } = store.snapshot.value
  const focused = document.activeElement?.closest<HTMLElement>("[data-participant]")?.dataset.participant
  const pinned = store.pinned.value
  const whom = participants.find(
    ({ id }) => id === (focused ?? (pinned ? pinned.id : store.voices.floor.value)),
  )
  if (whom) store.pin(whom.id === pinned?.id ? undefined : whom)
  else store.announce("Nobody speaks. Move the focus to a tile, then press P.")
}

/** Measures the connections while the call is shown, and keeps those on the relay to what they may take. */
function useConnections(store: RoomStore): void {
  useWhileShown(store, async () => {
    const { watchQuality } = await import("./quality-watch.ts")
    return watchQuality(store, found => (store.qualities.value = found))
  })
  useWhileShown(store, async () => {
    const { keepRelayedSmall } = await import("./relayed-video.ts")
    return keepRelayedSmall(store)
  })
}

/** Starts something for as long as the call is shown; `start` resolves with how it ends. */
function useWhileShown(store: RoomStore, start: () => Promise<() => void>): void {
  useEffect(() => {
    let stop = (): void => {}
    let gone = false
    const run = async (): Promise<void> => {
      stop = await start()
      if (gone) stop()
    }
    // Where it cannot be loaded the call goes on without it.
    run().catch(() => {})
    return () => {
      gone = true
      stop()
    }
  }, [store])
}

/** The room at one end, the people at the other, the beam between. */
function CallHeader({ store }: { store: RoomStore }) {
  const room = store.snapshot.value
  const settling =
    room.state.status !== "connected" ||
    room.participants.some(({ timeline }) => timeline.status === "connecting")
  const now = useNow(settling, 500)
  const people = room.participants.length + 1
  const inside = room.self !== undefined
  return (
    <header class="call-header">
      <h1 class="call-room" title={store.room}>
        <bdi>{store.room}</bdi>
      </h1>
      {room.lobby?.locked && (
        <span class="call-lock" role="img" aria-label="The waiting room is on" title="The waiting room is on">
          <LockIcon />
        </span>
      )}
      {inside && (
        <>
          <button
            type="button"
            class="call-beam"
            aria-label="Open the timeline"
            onClick={() => store.show("timeline")}
          >
            <Beam lights={overallLights(room, now)} size="line" />
          </button>
          <p class="call-people figures">{people === 1 ? "Only you" : `${people} people`}</p>
        </>
      )}
    </header>
  )
}

/** The beam is the loading state: its first bead is the way to the server. */
function Joining({ store }: { store: RoomStore }) {
  const now = useNow(true, 100)
  const room = store.snapshot.value
  const since = room.signaling.startedAt
  return (
    <div class="joining" role="status">
      <Beam lights={overallLights(room, now)} size="line" />
      <h2>
        Joining <bdi>{store.room}</bdi>
      </h2>
      <p class="lead">
        Reaching the server
        {since !== undefined && (
          <span class="figures" aria-hidden="true">
            {" "}
            · {formatDuration(now - since)}
          </span>
        )}
      </p>
    </div>
  )
}

/** Everybody's sound, and the button that a browser may want before it plays any. */
function Sound({ store }: { store: RoomStore }) {
  const [blocked, setBlocked] = useState(false)
  const [unlocked, setUnlocked] = useState(0)
  const onBlocked = useCallback(() => setBlocked(true), [])
  const unlock = (): void => {
    wake()
    setBlocked(false)
    setUnlocked(unlocked + 1)
  }
  return (
    <>
      {store.snapshot.value.participants.flatMap(({ publications }) =>
        publications
          .filter(({ kind }) => kind === "audio")
          .map(
            ({ participant, id, track }) =>
              track && (
                <TrackAudio
                  key={`${participant} ${id}`}
                  track={track}
                  unlocked={unlocked}
                  onBlocked={onBlocked}
                />
              ),
          ),
      )}
      {blocked && (
        <button type="button" class="button primary unlock" data-testid="unlock-sound" onClick={unlock}>
          <SoundIcon />
          Turn on sound
        </button>
      )}
    </>
  )
}

/** The page's keys. A layout effect: who presses a key as soon as the page shows is heard. */
function useShortcuts(store: RoomStore, act: (action: Action) => void): void {
  const latest = useRef(act)
  latest.current = act
  useLayoutEffect(() => {
    const press = (event: KeyboardEvent): void => {
      const { key, ctrlKey, metaKey, altKey, repeat } = event
      if (key === "Escape" && !document.querySelector("dialog[open], .popover:popover-open"))
        return store.show(undefined)
      const action = actionFor({ key, ctrlKey, metaKey, altKey, repeat, typing: takesText(event.target) })
      if (action === undefined || !recall().shortcuts) return
      event.preventDefault()
      latest.current(action)
    }
    document.addEventListener("keydown", press)
    return () => document.removeEventListener("keydown", press)
  }, [store])
}

/** The focus goes back to the button of a panel that closed, rather than nowhere. */
function useFocusAfterPanel(panel: Panel | undefined, page: { current: HTMLElement | null }): void {
  const before = useRef(panel)
  useLayoutEffect(() => {
    const closed = before.current
    before.current = panel
    if (panel !== undefined || closed === undefined || document.activeElement !== document.body) return
    // On a phone it is in the menu.
    const buttons = page.current?.querySelectorAll<HTMLElement>(
      `[data-testid=toggle-${closed}], [data-testid=more]`,
    )
    ;[...(buttons ?? [])].find(button => button.checkVisibility())?.focus({ preventScroll: true })
  }, [panel, page])
}
