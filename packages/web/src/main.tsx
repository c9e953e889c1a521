import { Room } from "@tightbeam/client"
import { render } from "preact"
import { App } from "./app.tsx"
import type { OpenRoom } from "./room-api.ts"
import { fetchToken } from "./server.ts"

const openRoom: OpenRoom = ({ room, relayOnly, token }) =>
  new Room({
    token: token ?? (() => fetchToken(room)),
    ...(relayOnly && { iceTransportPolicy: "relay" as const }),
  })

render(<App openRoom={openRoom} />, document.querySelector("#app")!)
