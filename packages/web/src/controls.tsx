import type { ComponentChildren } from "preact"
import { useEffect, useState } from "preact/hooks"
import { useCopy } from "./copy-button.tsx"
import {
  CameraIcon,
  CameraOffIcon,
  CaptionsIcon,
  ChatIcon,
  CheckIcon,
  EarIcon,
  HandIcon,
  HelpIcon,
  LeaveIcon,
  LinkIcon,
  LockIcon,
  MicrophoneIcon,
  MicrophoneOffIcon,
  MoreIcon,
  PictureIcon,
  ScreenIcon,
  SlidersIcon,
  TimelineIcon,
} from "./icons.tsx"
import { MenuItem } from "./menu.tsx"
import { useMeter } from "./mic-meter.ts"
import { canShowPicture } from "./picture-support.ts"
import { type Choose, Popover } from "./popover.tsx"
import { isMuted } from "./room-api.ts"
import type { RoomStore } from "./room-store.ts"
import type { ShareLink } from "./share-link.ts"
import { type Action, SHORTCUTS } from "./shortcuts.ts"

interface ControlsProps {
  store: RoomStore
  link: ShareLink
  onHelp: () => void
  onDevices: () => void
  onPicture: () => void
  onLeave: () => void
}

/** The bar under the faces: everything one key or one thumb away. */
export function Controls(props: ControlsProps) {
  const { store, link, onLeave } = props
  const room = store.snapshot.value
  const busy = store.busy.value
  const panel = store.panel.value
  const unread = store.chat.unread.value
  const published = (source: string) => room.publications.find(publication => publication.source === source)
  const microphone = published("microphone")
  const microphoneOn = !isMuted(microphone)
  const cameraOn = !isMuted(published("camera"))
  const sharing = published("screen") !== undefined
  const ready = room.state.status === "connected" || room.state.status === "reconnecting"
  const handUp = room.self !== undefined && room.self.hand !== null
  const { copied, copy } = useCopy(link.url)
  return (
    <section class="controls" aria-label="Call controls">
      <div class="controls-group">
        <span class="anchor">
          <MutedHint track={microphoneOn ? undefined : microphone?.track} />
          <Control
            action="microphone"
            testid="toggle-mic"
            label="Microphone"
            does={microphoneOn ? "Mute" : "Unmute"}
            pressed={microphoneOn}
            off={!microphoneOn}
            disabled={!ready || busy.has("microphone")}
            onClick={() => void store.toggle("microphone")}
          >
            {microphoneOn ? <LiveMicrophone track={microphone?.track} /> : <MicrophoneOffIcon />}
          </Control>
        </span>
        <Control
          action="camera"
          testid="toggle-camera"
          label="Camera"
          does={cameraOn ? "Turn camera off" : "Turn camera on"}
          pressed={cameraOn}
          off={!cameraOn}
          disabled={!ready || busy.has("camera")}
          onClick={() => void store.toggle("camera")}
        >
          {cameraOn ? <CameraIcon /> : <CameraOffIcon />}
        </Control>
        {canShareScreen() && (
          <Control
            action="screen"
            testid="toggle-screen"
            label="Share screen"
            does={sharing ? "Stop sharing" : "Share your screen"}
            pressed={sharing}
            live={sharing}
            disabled={!ready || busy.has("screen")}
            onClick={() => void store.toggle("screen")}
          >
            <ScreenIcon />
          </Control>
        )}
      </div>
      <div class="controls-group">
        <Control
          action="hand"
          testid="toggle-hand"
          label="Raise hand"
          does={handUp ? "Lower your hand" : "Raise your hand"}
          pressed={handUp}
          disabled={!ready}
          onClick={() => store.toggleHand()}
        >
          <HandIcon />
        </Control>
        <Control
          action="chat"
          testid="toggle-chat"
          label={unread > 0 ? `Chat, ${unread} unread` : "Chat"}
          does={panel === "chat" ? "Close chat" : "Chat"}
          pressed={panel === "chat"}
          onClick={() => store.show("chat")}
        >
          <ChatIcon />
          {unread > 0 && (
            <span class="badge" aria-hidden="true">
              {unread > 99 ? "99+" : unread}
            </span>
          )}
        </Control>
        <Control
          action="timeline"
          class="wide-only"
          testid="toggle-timeline"
          label="Timeline"
          does={panel === "timeline" ? "Close timeline" : "Timeline"}
          pressed={panel === "timeline"}
          onClick={() => store.show("timeline")}
        >
          <TimelineIcon />
        </Control>
        <Control
          testid="copy-link"
          class="wide-only"
          label="Copy link"
          does={copied ? "Copied" : "Copy link"}
          onClick={copy}
        >
          {copied ? <CheckIcon /> : <LinkIcon />}
        </Control>
        <span class="anchor">
          <Popover label="More" class="control" testid="more" face={<MoreIcon />}>
            {choose => <MoreMenu {...props} copy={copy} choose={choose} />}
          </Popover>
        </span>
      </div>
      <button
        type="button"
        class="leave"
        data-testid="leave"
        title="Leave (L)"
        aria-keyshortcuts="L"
        onClick={onLeave}
      >
        <LeaveIcon />
        <span>Leave</span>
      </button>
    </section>
  )
}

interface MoreMenuProps extends ControlsProps {
  copy: () => void
  choose: Choose
}

/** What is wanted now and then. */
function MoreMenu({ store, copy, choose, onHelp, onDevices, onPicture }: MoreMenuProps) {
  const { view } = store
  const { lobby } = store.snapshot.value
  return (
    <>
      <MenuItem
        icon={<CaptionsIcon />}
        testid="captions-switch"
        shortcut={SHORTCUTS.captions.key}
        pressed={view.captions.value}
        onClick={() => (view.captions.value = !view.captions.value)}
      >
        Captions
      </MenuItem>
      <MenuItem
        icon={<EarIcon />}
        testid="audio-only"
        shortcut={SHORTCUTS.audioOnly.key}
        pressed={view.audioOnly.value}
        onClick={() => store.setAudioOnly(!view.audioOnly.value)}
      >
        Audio only
      </MenuItem>
      {canShowPicture() && (
        <MenuItem
          icon={<PictureIcon />}
          testid="picture"
          shortcut={SHORTCUTS.picture.key}
          pressed={store.closePicture.value !== undefined}
          onClick={onPicture}
        >
          Picture in picture
        </MenuItem>
      )}
      {lobby && (
        <MenuItem
          icon={<LockIcon />}
          testid="lock"
          pressed={lobby.locked}
          onClick={() => store.lock(!lobby.locked)}
        >
          Waiting room
        </MenuItem>
      )}
      <hr />
      <MenuItem icon={<TimelineIcon />} class="narrow-only" onClick={choose(() => store.show("timeline"))}>
        Timeline
      </MenuItem>
      <MenuItem icon={<LinkIcon />} class="narrow-only" onClick={choose(copy)}>
        Copy link
      </MenuItem>
      <MenuItem icon={<SlidersIcon />} testid="devices" onClick={choose(onDevices)}>
        Devices
      </MenuItem>
      <MenuItem
        icon={<HelpIcon />}
        testid="help"
        shortcut={SHORTCUTS.help.key}
        class="wide-only"
        onClick={choose(onHelp)}
      >
        Keyboard shortcuts
      </MenuItem>
    </>
  )
}

interface ControlProps {
  action?: Action
  testid: string
  label: string
  /** What a click does now: the tooltip. */
  does: string
  pressed?: boolean
  /** Off, and worth noticing. */
  off?: boolean
  live?: boolean
  disabled?: boolean
  class?: string
  onClick: () => void
  children: ComponentChildren
}

function Control(props: ControlProps) {
  const { action, testid, label, does, pressed, off = false, live = false, disabled = false } = props
  const key = action && SHORTCUTS[action].key
  return (
    <button
      type="button"
      class={`control ${props.class ?? ""}`}
      data-testid={testid}
      data-off={off}
      data-live={live}
      aria-label={label}
      aria-disabled={disabled}
      {...(pressed !== undefined && { "aria-pressed": pressed })}
      {...(key && { "aria-keyshortcuts": key })}
      onClick={() => {
        if (!disabled) props.onClick()
      }}
    >
      {props.children}
      <span class="tip" aria-hidden="true">
        {does}
        {key && <kbd>{key}</kbd>}
      </span>
    </button>
  )
}

/** The microphone fills with the voice. */
function LiveMicrophone({ track }: { track: MediaStreamTrack | undefined }) {
  const { share } = useMeter(track)
  return (
    <span class="live-microphone">
      <span class="live-microphone-fill" style={{ "--level": share.value.toFixed(2) }} />
      <MicrophoneIcon />
    </span>
  )
}

/** How long the hint stays, ms. */
const HINT = 4_000

/** Talking while muted: a word, where the hand goes next. Listens to a copy of the track that stays on. */
function MutedHint({ track }: { track: MediaStreamTrack | undefined }) {
  const [copy, setCopy] = useState<MediaStreamTrack>()
  const [shown, setShown] = useState(false)
  useEffect(() => {
    if (track === undefined || track.readyState === "ended") return undefined
    const clone = track.clone()
    clone.enabled = true
    setCopy(clone)
    return () => {
      clone.stop()
      setCopy(undefined)
      setShown(false)
    }
  }, [track])
  const { speaking } = useMeter(copy)
  useEffect(() => {
    if (!speaking.value) return undefined
    setShown(true)
    const timer = setTimeout(() => setShown(false), HINT)
    return () => clearTimeout(timer)
  }, [speaking.value])
  return (
    <span class="muted-hint" role="status" data-shown={shown}>
      {shown && (
        <>
          You are muted.
          <span class="wide-only">
            {" "}
            <kbd>M</kbd> unmutes.
          </span>
        </>
      )}
    </span>
  )
}

const canShareScreen = (): boolean =>
  typeof (navigator.mediaDevices as Partial<MediaDevices> | undefined)?.getDisplayMedia === "function"
