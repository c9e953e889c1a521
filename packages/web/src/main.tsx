import { Room } from "@tightbeam/client"
import { render } from "preact"
import { App } from "./app.tsx"
import { fetchToken } from "./server.ts"

const openRoom = (room: string, relayOnly: boolean) =>
  new Room({
    token: () => fetchToken(room),
    ...(relayOnly && { iceTransportPolicy: "relay" as const }),
  })

render(<App openRoom={openRoom} />, document.querySelector("#app")!)
