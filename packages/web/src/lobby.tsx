import { NAME_LENGTH } from "@tightbeam/client"
import { useEffect, useRef, useState } from "preact/hooks"
import { PageHeader } from "./beam.tsx"
import { CopyButton } from "./copy-button.tsx"
import { DevicePicker } from "./device-picker.tsx"
import { type Devices, problemsOf } from "./devices.ts"
import { recall, remember } from "./memory.ts"
import { tidyPersonName } from "./names.ts"
import { online } from "./online.ts"
import { MicrophoneMeter, Preview } from "./preview.tsx"
import type { ShareLink } from "./share-link.ts"

interface LobbyProps {
  room: string
  link: ShareLink
  /** `?relay=1`: no direct connections, to try the relay. */
  relayOnly: boolean
  devices: Devices
  onJoin: (name: string) => void
}

/** Before the call: look at yourself, say who you are, go in. */
export function Lobby({ room, link, relayOnly, devices, onJoin }: LobbyProps) {
  const [name, setName] = useState(() => recall().name)
  const nameField = useRef<HTMLInputElement>(null)
  const joinButton = useRef<HTMLButtonElement>(null)
  useEffect(() => (name === "" ? nameField : joinButton).current?.focus({ preventScroll: true }), [])
  const join = (event: Event): void => {
    event.preventDefault()
    remember({ name: name.trim() })
    onJoin(tidyPersonName(name))
  }
  return (
    <div class="page">
      <PageHeader lights={[]} end={room} />
      <main class="lobby">
        <section class="lobby-look" aria-label="How others see you">
          <Preview devices={devices} name={name || "You"} />
          <Problems devices={devices} />
        </section>
        <form class="lobby-join" onSubmit={join}>
          {!online.value && (
            <p class="notice" role="status" data-testid="offline">
              <strong>You are offline.</strong> This device has no network. Check its Wi-Fi or cable; you can
              join as soon as it is back.
            </p>
          )}
          <h1 class="room-title" title={room}>
            Join <bdi>{room}</bdi>
          </h1>
          <label class="label" for="name">
            Your name
          </label>
          <input
            id="name"
            ref={nameField}
            class="input"
            data-testid="name"
            value={name}
            onInput={event => setName(event.currentTarget.value)}
            maxLength={NAME_LENGTH}
            autocomplete="name"
            enterkeyhint="go"
            placeholder="Guest"
            dir="auto"
          />
          <button
            ref={joinButton}
            type="submit"
            class="button primary wide"
            data-testid="join"
            aria-describedby="with"
          >
            Join
          </button>
          <p class="help centred" id="with">
            {joinsWith(devices)}
          </p>
          <CopyButton class="button wide" text={link.url}>
            Copy the link for others
          </CopyButton>
          {link.replacesLocalhost && (
            <p class="help">
              This page is on localhost, which only this computer can open. On your network others open{" "}
              <span class="address">{link.url}</span>
            </p>
          )}
          {relayOnly && (
            <p class="notice">
              <strong>Through the relay only.</strong> This link asks for no direct connection: everything
              goes through the server, as on a network that blocks it.
            </p>
          )}
        </form>
        <section class="pickers" aria-label="Devices">
          <div class="picker-column">
            <DevicePicker kind="microphone" devices={devices} />
            <MicrophoneMeter devices={devices} />
          </div>
          <DevicePicker kind="camera" devices={devices} />
        </section>
      </main>
    </div>
  )
}

function Problems({ devices }: { devices: Devices }) {
  if (devices.status.value !== "ready") return null
  const problems = problemsOf(devices, location.href)
  return (
    <>
      {problems.map(({ kind, title, advice }) => (
        <div class="problem" role="alert" data-testid="permission-error" data-kind={kind} key={title}>
          <div>
            <strong>{title}</strong>
            <p>{advice}</p>
          </div>
          {kind !== "insecure" && (
            <button type="button" class="button small" onClick={() => void devices.retry()}>
              Try again
            </button>
          )}
        </div>
      ))}
    </>
  )
}

/** What the others get when you join now. */
function joinsWith({ camera, microphone, status }: Devices): string {
  const picture = camera.track.value !== undefined
  const sound = microphone.track.value !== undefined
  if (!sound && !picture && status.value === "asking")
    return "Your camera and microphone follow as soon as you allow them."
  if (!sound && !picture) return "You join without camera and microphone: you see and hear the others."
  if (!sound) return "You join with your camera, without microphone."
  const muted = microphone.on.value ? "" : ", muted"
  return picture ? `You join with camera and microphone${muted}.` : `You join without camera${muted}.`
}
