import { useEffect, useMemo, useState } from "preact/hooks"
import { Call } from "./call.tsx"
import { Devices, type MediaSource } from "./devices.ts"
import { Ended } from "./ended.tsx"
import { Lobby } from "./lobby.tsx"
import type { RoomApi } from "./room-api.ts"
import { RoomStore } from "./room-store.ts"
import { fetchInfo } from "./server.ts"
import { shareLink } from "./share-link.ts"

interface RoomPageProps {
  room: string
  relayOnly: boolean
  media: MediaSource | undefined
  openRoom: (room: string, relayOnly: boolean) => RoomApi
}

type Stage =
  | { readonly at: "lobby" }
  | { readonly at: "call"; readonly store: RoomStore; readonly name: string }
  | { readonly at: "left"; readonly name: string }

/** One room: the lobby, then the call in its place, then the way back. */
export function RoomPage({ room, relayOnly, media, openRoom }: RoomPageProps) {
  const [stage, setStage] = useState<Stage>({ at: "lobby" })
  const [lanUrl, setLanUrl] = useState<string>()
  const devices = useMemo(() => new Devices(media), [media])
  const link = shareLink(room, location.origin, lanUrl)

  useEffect(() => {
    void fetchInfo().then(info => setLanUrl(info?.lanUrl))
    void devices.start()
    return () => devices.stop()
  }, [devices])

  const join = (name: string): void => {
    const store = new RoomStore(openRoom(room, relayOnly), room)
    const { camera, microphone } = devices.handOver()
    setStage({ at: "call", store, name })
    void store.join({ name, camera, microphone, microphoneOn: devices.microphone.on.value })
  }
  const rejoin = (name: string): void => {
    void devices.start().then(() => join(name))
  }

  if (stage.at === "lobby")
    return <Lobby room={room} link={link} relayOnly={relayOnly} devices={devices} onJoin={join} />
  const { name } = stage
  if (stage.at === "left") return <Ended room={room} ending={undefined} onRejoin={() => rejoin(name)} />
  const { store } = stage
  const ending = store.ending.value
  if (ending) return <Ended room={room} ending={ending} onRejoin={() => rejoin(name)} />
  const leave = (): void => {
    void store.leave()
    setStage({ at: "left", name })
  }
  return <Call store={store} link={link} onLeave={leave} />
}
