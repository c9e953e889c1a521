import { Room } from "@tightbeam/client"
import { openAccess } from "@tightbeam/client/open-access"
import { render } from "preact"
import { App } from "./app.tsx"
import type { OpenRoom } from "./room-api.ts"
import { onlyOnce } from "./server.ts"

const openRoom: OpenRoom = ({ relayOnly, token }) =>
  new Room({
    token: token === undefined ? openAccess() : onlyOnce(token),
    ...(relayOnly && { iceTransportPolicy: "relay" as const }),
  })

// The browser shows the page as it was when it was left, but the call in it has ended: begin again.
addEventListener("pageshow", ({ persisted }) => {
  if (persisted) location.reload()
})

render(<App openRoom={openRoom} />, document.querySelector("#app")!)
