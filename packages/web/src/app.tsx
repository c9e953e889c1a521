import { useEffect, useState } from "preact/hooks"
import { Home } from "./home.tsx"
import type { OpenRoom } from "./room-api.ts"
import { RoomPage } from "./room-page.tsx"
import { parseRoute, roomPath } from "./route.ts"

const here = () => parseRoute(location)

/** Which page it is. */
export function App({ openRoom }: { openRoom: OpenRoom }) {
  const [route, setRoute] = useState(here)
  useEffect(() => {
    const moved = (): void => setRoute(here())
    addEventListener("popstate", moved)
    return () => removeEventListener("popstate", moved)
  }, [])
  useEffect(() => {
    document.title = route.page === "room" ? `${route.room} · Tightbeam` : "Tightbeam"
  }, [route])
  if (route.page === "home") {
    const open = (room: string): void => {
      history.pushState(undefined, "", roomPath(room))
      setRoute(here())
    }
    return <Home onRoom={open} />
  }
  return <RoomPage key={route.room} route={route} media={navigator.mediaDevices} openRoom={openRoom} />
}
