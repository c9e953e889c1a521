import { useEffect, useState } from "preact/hooks"
import type { Devices } from "./devices.ts"
import { CameraIcon, CameraOffIcon, MicrophoneIcon, MicrophoneOffIcon } from "./icons.tsx"
import { type Meter, useMeter } from "./mic-meter.ts"
import { Avatar } from "./person-name.tsx"
import { TrackVideo } from "./track-media.tsx"

/** How the others will see you: the mirror, and the two switches on it. */
export function Preview({ devices, name }: { devices: Devices; name: string }) {
  const { camera, microphone, status } = devices
  const asking = status.value === "asking" && !camera.track.value && !microphone.track.value
  return (
    <div class="preview" data-empty={camera.track.value === undefined}>
      {camera.track.value ? (
        <TrackVideo track={camera.track.value} mirrored />
      ) : (
        <div class="preview-empty">
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
        </div>
      )}
      <div class="preview-switches">
        <button
          type="button"
          class="round"
          aria-pressed={microphone.on.value}
          aria-label="Microphone"
          title={microphone.on.value ? "Join muted" : "Join with your microphone on"}
          data-testid="toggle-mic"
          onClick={() => void devices.setOn("microphone", !microphone.on.value)}
        >
          {microphone.on.value ? <MicrophoneIcon /> : <MicrophoneOffIcon />}
        </button>
        <button
          type="button"
          class="round"
          aria-pressed={camera.on.value}
          aria-label="Camera"
          title={camera.on.value ? "Join without camera" : "Join with your camera on"}
          data-testid="toggle-camera"
          onClick={() => void devices.setOn("camera", !camera.on.value)}
        >
          {camera.on.value ? <CameraIcon /> : <CameraOffIcon />}
        </button>
      </div>
    </div>
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
