import { type RemoteParticipant, Room } from "@tightbeam/client"
import { openAccess } from "@tightbeam/client/open-access"
import {
  RoomProvider,
  useDevices,
  useJoin,
  useMessages,
  useParticipants,
  usePublication,
  useTrack,
} from "@tightbeam/react"
import { StrictMode, useState } from "react"
import { createRoot } from "react-dom/client"

/** Your server. */
const url = "http://localhost:8443"

const room = new Room({ url, token: openAccess(url) })

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <RoomProvider room={room}>
      <App />
    </RoomProvider>
  </StrictMode>,
)

function App() {
  const [inside, setInside] = useState(false)
  return (
    <>
      <h1>A call with React</h1>
      <button type="button" onClick={() => setInside(!inside)}>
        {inside ? "Leave" : "Join"}
      </button>
      {inside && <Call />}
    </>
  )
}

function Call() {
  const { status, reason, rejoin } = useJoin("react", { as: "Guest" })
  const participants = useParticipants()
  if (status === "closed")
    return (
      <p role="alert">
        {reason?.message} {reason?.hint}{" "}
        <button type="button" onClick={rejoin}>
          Join again
        </button>
      </p>
    )
  return (
    <>
      <p role="status">
        {status === "connected" ? `In the call, with ${participants.length} others.` : `${status} …`}
      </p>
      <Own />
      <div className="people">
        {participants.map(participant => (
          <Person key={participant.id} participant={participant} />
        ))}
      </div>
      <Chat />
    </>
  )
}

function Own() {
  const camera = usePublication("camera")
  const microphone = usePublication("microphone")
  const cameras = useDevices("videoinput")
  return (
    <p>
      <button
        type="button"
        aria-pressed={microphone.on}
        disabled={microphone.busy}
        onClick={microphone.toggle}
      >
        Microphone
      </button>
      <button type="button" aria-pressed={camera.on} disabled={camera.busy} onClick={camera.toggle}>
        Camera
      </button>
      <select aria-label="Which camera" onChange={event => camera.choose(event.target.value)}>
        {cameras.map(({ deviceId, label }) => (
          <option key={deviceId} value={deviceId}>
            {label}
          </option>
        ))}
      </select>
      {(camera.error ?? microphone.error)?.message}
    </p>
  )
}

function Person({ participant: { name, publications } }: { participant: RemoteParticipant }) {
  const track = (kind: "audio" | "video") => publications.find(each => each.kind === kind)?.track
  return (
    <figure>
      <video ref={useTrack(track("video"))} autoPlay playsInline muted />
      <audio ref={useTrack(track("audio"))} autoPlay />
      <figcaption>{name}</figcaption>
    </figure>
  )
}

function Chat() {
  const [messages, send] = useMessages("chat")
  const participants = useParticipants()
  const nameOf = (from: string) => participants.find(({ id }) => id === from)?.name ?? "You"
  return (
    <form
      onSubmit={event => {
        event.preventDefault()
        const form = event.currentTarget
        void send(new FormData(form).get("text")).then(() => form.reset())
      }}
    >
      <ul>
        {messages.map(({ from, data, at }, i) => (
          <li key={`${at} ${i}`}>
            {nameOf(from)}: {String(data)}
          </li>
        ))}
      </ul>
      <input name="text" aria-label="Message" required /> <button type="submit">Send</button>
    </form>
  )
}
