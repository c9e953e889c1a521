import { ROOM_NAME } from "@tightbeam/client"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import type { Config } from "../config/index.ts"
import { HttpError, sendJson } from "../http/index.ts"
import { errorText } from "../log/index.ts"
import type { App, Service } from "../service.ts"
import { MemoryBus } from "./bus.ts"
import { SignalingHost } from "./host.ts"
import { httpSignaling } from "./http-stream.ts"
import type { SignalingLimits } from "./limits.ts"
import { allowOrigin } from "./origin.ts"
import { Rooms } from "./rooms.ts"
import { issueToken, verifyToken } from "./tokens.ts"
import { webSocketSignaling } from "./websocket.ts"

/** How long a token of the pages may wait for its join, seconds. */
const PAGE_TOKEN_TTL = 120

/** When clients are to come back after a shutdown, ms; each spreads it a little. */
const RECONNECT_IN = 2000

/** Rooms, over WebSocket at `/signal` or else over HTTP, and the tokens that the pages join with. */
export function signaling(): Service {
  let host: SignalingHost | undefined
  return {
    name: "signaling",

    start(app: App): void {
      const { config, accessSecret, routes } = app
      const rooms = new Rooms({
        crypto: nodeCrypto,
        iceServers: app.iceServers,
        open: config.access.mode === "open",
        limits: limitsOf(config),
      })
      host = new SignalingHost({
        rooms,
        bus: new MemoryBus(queueMicrotask),
        revoke: app.revokeIceServers,
        authorize: (token, room, answer) => void verifyToken(token, room, accessSecret).then(answer),
        now: () => performance.now(),
        maxConnections: config.limits.connections,
        after: (delay, act) => {
          const timer = setTimeout(act, delay)
          return () => clearTimeout(timer)
        },
        onEvidence: app.onEvidence,
        onFault: error => app.log.error("Signaling has a bug", { error: errorText(error) }),
      })
      const transport = { host, origins: config.http.origins, messageSize: config.limits.messageSize }
      routes.onUpgrade("/signal", webSocketSignaling({ ...transport, clientAddress: app.clientAddress }))
      httpSignaling(routes, transport)
      routeTokens(app)
    },

    drain: () => host?.drain(RECONNECT_IN) ?? Promise.resolve(),

    close: () => host?.close(),
  }
}

/** Where everybody may enter any room, the pages fetch their tokens here. */
function routeTokens({ config, accessSecret, routes }: App): void {
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
}

function limitsOf({ rooms, limits }: Config): Partial<SignalingLimits> {
  return {
    participants: rooms.maxParticipants,
    waiting: rooms.maxWaiting,
    grace: rooms.grace * 1000,
    messageBytes: limits.messageSize,
    messagesPerSecond: limits.clientMessagesPerSecond,
    messageBurst: limits.clientMessageBurst,
    connectionsPerAddress: limits.signalingPerAddress,
    addressJoinsPerSecond: limits.joinsPerSecond,
    addressJoinBurst: limits.joinBurst,
    addressMessagesPerSecond: limits.messagesPerSecond,
    addressMessageBurst: limits.messageBurst,
    addresses: limits.addresses,
  }
}
