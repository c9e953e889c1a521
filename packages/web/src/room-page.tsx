import { useEffect, useMemo, useState } from "preact/hooks"
import { Devices, type MediaSource } from "./devices.ts"
import { Ended } from "./ended.tsx"
import { lazy, loadTheRest } from "./lazy.tsx"
import { Lobby } from "./lobby.tsx"
import type { OpenRoom } from "./room-api.ts"
import { RoomStore } from "./room-store.ts"
import type { Route } from "./route.ts"
import { fetchInfo } from "./server.ts"
import { shareLink } from "./share-link.ts"
import { View } from "./view.ts"

/** Loaded while people look at themselves in the lobby, which so shows sooner. */
const Call = lazy(() => import("./call.tsx").then(({ Call }) => Call))
const Waiting = lazy(() => import("./waiting.tsx").then(({ Waiting }) => Waiting))

interface RoomPageProps {
  route: Route & { page: "room" }
  media: MediaSource | undefined
  openRoom: OpenRoom
}

type Stage =
  | { readonly at: "lobby" }
  | { readonly at: "call"; readonly store: RoomStore; readonly name: string }
  | { readonly at: "left"; readonly name: string }

/** One room: the lobby, then the call in its place, then the way back. */
export function RoomPage({ route, media, openRoom }: RoomPageProps) {
  const { room, relayOnly } = route
  const [stage, setStage] = useState<Stage>({ at: "lobby" })
  const [lanUrl, setLanUrl] = useState<string>()
  const devices = useMemo(() => new Devices(media), [media])
  const view = useMemo(() => new View(), [])
  const link = shareLink(room, location.origin, lanUrl)

  useEffect(() => {
    void loadTheRest()
    void fetchInfo().then(info => setLanUrl(info?.lanUrl))
    void devices.start()
    return () => devices.stop()
  }, [devices])

  const current = stage.at === "call" ? stage.store : undefined
  useEffect(() => () => void current?.leave(), [current])

  const join = (name: string): void => {
    const store = new RoomStore(openRoom(route), room, view)
    setStage({ at: "call", store, name })
    void store.join(name)
    // A browser that still asks for the camera keeps nobody out: it comes when it is allowed.
    void devices.started.then(() =>
      store.bring({ ...devices.handOver(), microphoneOn: devices.microphone.on.value }),
    )
  }
  const rejoin = (name: string): void => {
    void devices.start()
    join(name)
  }

  if (stage.at === "lobby")
    return <Lobby room={room} link={link} relayOnly={relayOnly} devices={devices} onJoin={join} />
  const { name } = stage
  if (stage.at === "left") return <Ended room={room} ending={undefined} onRejoin={() => rejoin(name)} />
  const { store } = stage
  const ending = store.ending.value
  if (ending) return <Ended room={room} ending={ending} onRejoin={() => rejoin(name)} />
  if (store.status.value === "waiting") {
    const cancel = (): void => {
      void devices.start()
      setStage({ at: "lobby" })
    }
    return <Waiting store={store} name={name} onCancel={cancel} />
  }
  return <Call store={store} link={link} onLeave={() => setStage({ at: "left", name })} />
}
