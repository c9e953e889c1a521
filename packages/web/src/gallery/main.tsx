import { TightbeamError } from "@tightbeam/client"
import { type ComponentChildren, render } from "preact"
import { Call } from "../call.tsx"
import { Devices, type MediaSource } from "../devices.ts"
import { Ended } from "../ended.tsx"
import { Home } from "../home.tsx"
import { Lobby } from "../lobby.tsx"
import { shareLink } from "../share-link.ts"
import { fakeMedia } from "./fake-media.ts"
import { CALLS } from "./scenes.ts"

/** Every state of the pages, without a server: gallery.html?scene=NAME. */
const LOBBIES: Readonly<Record<string, () => MediaSource | undefined>> = {
  "lobby-ok": () => fakeMedia(),
  "lobby-asking": () => fakeMedia("asking"),
  "lobby-insecure": () => undefined,
  "lobby-denied": () => fakeMedia("NotAllowedError"),
  "lobby-none": () => fakeMedia("NotFoundError", []),
  "lobby-in-use": () => fakeMedia("NotReadableError"),
  "lobby-relay": () => fakeMedia(),
}

const ENDINGS = {
  left: undefined,
  closed: new TightbeamError(
    "room-full",
    "This room is full.",
    "Wait until somebody leaves, or open another room.",
  ),
} as const

async function scene(name: string): Promise<ComponentChildren> {
  const link = shareLink("standup", "http://localhost:8080", "https://192.168.1.20:8080")
  if (name === "home") return <Home onRoom={() => {}} />
  const media = LOBBIES[name]
  if (media) {
    const devices = new Devices(media())
    void devices.start()
    const relayOnly = name === "lobby-relay"
    return <Lobby room="standup" link={link} relayOnly={relayOnly} devices={devices} onJoin={() => {}} />
  }
  if (name in ENDINGS) {
    const error = ENDINGS[name as keyof typeof ENDINGS]
    const ending = error && { trouble: error, link: error.link }
    return <Ended room="standup" ending={ending} onRejoin={() => {}} />
  }
  const call = CALLS[name]
  if (call) return <Call store={await call()} link={link} onLeave={() => {}} />
  return (
    <main class="home">
      <ul>
        {["home", ...Object.keys(LOBBIES), ...Object.keys(CALLS), ...Object.keys(ENDINGS)].map(name => (
          <li key={name}>
            <a href={`?scene=${name}`}>{name}</a>
          </li>
        ))}
      </ul>
    </main>
  )
}

const name = new URLSearchParams(location.search).get("scene") ?? ""
document.title = `${name} · Tightbeam gallery`
render(await scene(name), document.querySelector("#app")!)
/** How long the slowest scene takes until nothing moves any more, ms. */
const SETTLES = 1_200
setTimeout(() => (document.documentElement.dataset.ready = "true"), SETTLES)
