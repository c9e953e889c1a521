import { TightbeamError } from "@tightbeam/client"
import { type ComponentChildren, render } from "preact"
import { Call } from "../call.tsx"
import { Devices, type MediaSource } from "../devices.ts"
import { Ended } from "../ended.tsx"
import { Home } from "../home.tsx"
import { loadTheRest } from "../lazy.tsx"
import { Lobby } from "../lobby.tsx"
import { online } from "../online.ts"
import { shareLink } from "../share-link.ts"
import { Waiting } from "../waiting.tsx"
import { fakeMedia } from "./fake-media.ts"
import { CALLS, isHeard, isPlayed, WAITING } from "./scenes.ts"

/** Every state of the pages, without a server: gallery.html?scene=NAME. */
const LOBBIES: Readonly<Record<string, () => MediaSource | undefined>> = {
  "lobby-ok": () => fakeMedia(),
  "lobby-asking": () => fakeMedia("asking"),
  "lobby-insecure": () => undefined,
  "lobby-denied": () => fakeMedia("NotAllowedError"),
  "lobby-none": () => fakeMedia("NotFoundError", []),
  "lobby-in-use": () => fakeMedia("NotReadableError"),
  "lobby-relay": () => fakeMedia(),
  "lobby-offline": () => fakeMedia(),
}

const ENDINGS = {
  left: undefined,
  closed: new TightbeamError(
    "room-full",
    "This room is full.",
    "Wait until somebody leaves, or open another room.",
  ),
  kicked: new TightbeamError("kicked", "", ""),
  "not-admitted": new TightbeamError("not-admitted", "", ""),
  unreachable: new TightbeamError(
    "server-unreachable",
    "The server could not be reached.",
    "Check your network, then try again.",
  ),
  offline: new TightbeamError("server-unreachable", "", ""),
} as const

async function scene(name: string): Promise<ComponentChildren> {
  const link = shareLink("standup", "http://localhost:8080", "https://192.168.1.20:8080")
  if (name === "home") return <Home onRoom={() => {}} />
  if (name.endsWith("offline")) online.value = false
  if (name === "waiting" || name === "waiting-without")
    return <Waiting store={await WAITING[name]()} name="Ada Lovelace" onCancel={() => {}} />
  const media = LOBBIES[name]
  if (media) {
    const devices = new Devices(media())
    void devices.start()
    const relayOnly = name === "lobby-relay"
    return <Lobby room="standup" link={link} relayOnly={relayOnly} devices={devices} onJoin={() => {}} />
  }
  if (name in ENDINGS) {
    const error = ENDINGS[name as keyof typeof ENDINGS]
    const ending = error && { trouble: error, code: error.code, link: error.link }
    return <Ended room="standup" ending={ending} onRejoin={() => {}} />
  }
  const call = CALLS[name]
  if (call) return <Call store={await call()} link={link} onLeave={() => {}} />
  return (
    <main class="home">
      <ul>
        {["home", LOBBIES, WAITING, CALLS, ENDINGS]
          .flatMap(each => (typeof each === "string" ? each : Object.keys(each)))
          .map(name => (
            <li key={name}>
              <a href={`?scene=${name}`}>{name}</a>
            </li>
          ))}
      </ul>
    </main>
  )
}

const name = new URLSearchParams(location.search).get("scene") ?? ""
// What a scene shows must not depend on what has been loaded by then.
await loadTheRest()
document.title = `${name} · Tightbeam gallery`
render(await scene(name), document.querySelector("#app")!)
/** How long nothing must have changed, ms, for all to be there. */
const QUIET = 250
/** How long the slowest scene takes, once it has played, until nothing moves any more, ms: some count seconds for ever. */
const SETTLES = 1_200
let playedAt = Number.POSITIVE_INFINITY
let changedAt = 0
const changes = new MutationObserver(() => (changedAt = performance.now()))
changes.observe(document, { subtree: true, childList: true, attributes: true, characterData: true })

/** Says that it is all there, once every picture has arrived. */
const settling = setInterval(() => {
  const now = performance.now()
  if (isPlayed()) playedAt = Math.min(playedAt, now)
  const isQuiet =
    isHeard() && now >= Math.max(playedAt, changedAt) + QUIET && document.getAnimations().every(isEndless)
  const pictures = [...document.querySelectorAll("video")]
  if (
    (!isQuiet && now < playedAt + SETTLES) ||
    pictures.some(({ readyState }) => readyState < HTMLMediaElement.HAVE_CURRENT_DATA)
  )
    return
  changes.disconnect()
  clearInterval(settling)
  document.documentElement.dataset.ready = "true"
}, 50)

function isEndless(animation: Animation): boolean {
  return animation.effect?.getComputedTiming().endTime === Number.POSITIVE_INFINITY
}
