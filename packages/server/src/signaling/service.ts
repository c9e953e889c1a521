import { ROOM_NAME } from "@tightbeam/client"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import { HttpError, sendJson } from "../http/index.ts"
import { errorText } from "../log/index.ts"
import type { App, Service } from "../service.ts"
import { MemoryBus } from "./bus.ts"
import { SignalingHost } from "./host.ts"
import { httpSignaling } from "./http-stream.ts"
import { allowOrigin } from "./origin.ts"
import { Rooms } from "./rooms.ts"
import { issueToken, verifyToken } from "./tokens.ts"
import { webSocketSignaling } from "./websocket.ts"

/** How long a token of the pages may wait for its join, seconds. */
const PAGE_TOKEN_TTL = 120

/** When clients are to come back after a shutdown, ms; each spreads it a little. */
const RECONNECT_IN = 2000

/** Rooms, over WebSocket at `/signal`, and the tokens that the pages join with. */
export function signaling(): Service {
  let host: SignalingHost | undefined
  return {
    name: "signaling",

    start(app: App): void {
      const { config, accessSecret, routes } = app
      const rooms = new Rooms({
        crypto: nodeCrypto,
        iceServers: (room, participant) => app.iceServers(room, participant),
        open: config.access.mode === "open",
        limits: { participants: config.rooms.maxParticipants, grace: config.rooms.grace * 1000 },
      })
      host = new SignalingHost({
        rooms,
        bus: new MemoryBus(queueMicrotask),
        authorize: (token, room, answer) => void verifyToken(token, room, accessSecret).then(answer),
        now: () => performance.now(),
        after: (delay, act) => {
          const timer = setTimeout(act, delay)
          return () => clearTimeout(timer)
        },
        onEvidence: evidence => app.onEvidence(evidence),
        onFault: error => app.log.error("Signaling has a bug", { error: errorText(error) }),
      })
      routes.onUpgrade(
        "/signal",
        webSocketSignaling({
          host,
          origins: config.http.origins,
          clientAddress: request => app.clientAddress(request),
        }),
      )
      httpSignaling(routes, {
        host,
        origins: config.http.origins,
        clientAddress: request => app.clientAddress(request),
      })
      routes.route("POST", "/api/rooms/:room/token", async ({ request, params, response }) => {
        const headers = allowOrigin(request, config.http.origins)
        const { room = "" } = params
        if (config.access.mode !== "open")
          throw new HttpError(
            403,
            "not-allowed",
            "This server lets in only those whom its application lets in.",
            "Join with a token that the application signed (access.mode is token).",
            headers,
          )
        if (!ROOM_NAME.test(room))
          throw new HttpError(
            400,
            "bad-room",
            "This is not a room's name.",
            "Use 1–64 of A–Z a–z 0–9 _ - in the link.",
            headers,
          )
        const token = await issueToken({ room, ttl: PAGE_TOKEN_TTL }, accessSecret)
        sendJson(response, 200, { token }, headers)
      })
    },

    drain: () => host?.drain(RECONNECT_IN) ?? Promise.resolve(),

    close: () => host?.close(),
  }
}
