import type { ComponentChildren } from "preact"
import { useEffect, useState } from "preact/hooks"
import type { DeviceKind } from "./device-problems.ts"
import type { Devices } from "./devices.ts"
import { CameraIcon, CameraOffIcon, MicrophoneIcon, MicrophoneOffIcon } from "./icons.tsx"
import { type Meter, useMeter } from "./mic-meter.ts"
import { Avatar } from "./person-name.tsx"
import { TrackVideo } from "./track-media.tsx"

interface PreviewFrameProps {
  track: MediaStreamTrack | undefined
  sounds: boolean
  shows: boolean
  onTurn: (kind: DeviceKind, on: boolean) => void
  /** In place of a picture. */
  children: ComponentChildren
}

/** The mirror, and the two switches on it. */
export function PreviewFrame({ track, sounds, shows, onTurn, children }: PreviewFrameProps) {
  return (
    <div class="preview" data-empty={track === undefined}>
      {track ? <TrackVideo track={track} mirrored /> : <div class="preview-empty">{children}</div>}
      <div class="preview-switches">
        <button
          type="button"
          class="round"
          aria-pressed={sounds}
          aria-label="Microphone"
          title={sounds ? "Join muted" : "Join with your microphone on"}
          data-testid="toggle-mic"
          onClick={() => onTurn("microphone", !sounds)}
        >
          {sounds ? <MicrophoneIcon /> : <MicrophoneOffIcon />}
        </button>
        <button
          type="button"
          class="round"
          aria-pressed={shows}
          aria-label="Camera"
          title={shows ? "Join without camera" : "Join with your camera on"}
          data-testid="toggle-camera"
          onClick={() => onTurn("camera", !shows)}
        >
          {shows ? <CameraIcon /> : <CameraOffIcon />}
        </button>
      </div>
    </div>
  )
}

/** How the others will see you. */
export function Preview({ devices, name }: { devices: Devices; name: string }) {
  const { camera, microphone, status } = devices
  const asking = status.value === "asking" && !camera.track.value && !microphone.track.value
  return (
    <PreviewFrame
      track={camera.track.value}
      sounds={microphone.on.value && microphone.problem.value === undefined}
      shows={camera.on.value && camera.problem.value === undefined}
      onTurn={(kind, on) => void devices.setOn(kind, on)}
    >
      {asking ? (
        <p role="status">
          <strong>Your browser asks for your camera and microphone.</strong>
          <span>Choose “Allow”, so that the others see and hear you.</span>
        </p>
      ) : (
        <>
          <Avatar name={name} />
          <p>{camera.on.value ? "No picture" : "Your camera is off"}</p>
        </>
      )}
    </PreviewFrame>
  )
}

/** How many beads the meter has. */
const BEADS = 16

/** After this long in silence it is worth a word, ms. */
const SILENCE = 8_000

/** The microphone, heard: beads that light with the voice, and what they mean. */
export function MicrophoneMeter({ devices }: { devices: Devices }) {
  const { track, on } = devices.microphone
  const meter = useMeter(on.value ? track.value : undefined)
  const silent = useSilence(track.value, meter)
  if (track.value === undefined) return null
  const lit = on.value ? Math.round(meter.share.value * BEADS) : 0
  const says = !on.value
    ? "Your microphone is off: you join muted."
    : meter.heard.value
      ? "Your microphone works."
      : silent
        ? "Nothing heard yet. Speak up, or choose another microphone."
        : "Say something to try your microphone."
  return (
    <div class="meter">
      <span class="meter-beads" aria-hidden="true">
        {Array.from({ length: BEADS }, (_, i) => (
          <i key={i} data-lit={i < lit} />
        ))}
      </span>
      <p class="help" role="status">
        {says}
      </p>
    </div>
  )
}

function useSilence(track: MediaStreamTrack | undefined, meter: Meter): boolean {
  const [silent, setSilent] = useState(false)
  useEffect(() => {
    setSilent(false)
    if (track === undefined) return undefined
    const timer = setTimeout(() => setSilent(true), SILENCE)
    return () => clearTimeout(timer)
  }, [track, meter])
  return silent
}
