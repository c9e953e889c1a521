/**
 * A crowd of signaling clients in a process of its own, each with the SDK's session and its backoff.
 * Told by its parent to `drop`; tells it how many are in, and once all are in again.
 */
import { Session, SUBPROTOCOL, type Transport, type TransportHandlers } from "@tightbeam/client"
import { WebSocket } from "ws"
import { realClock } from "../packages/client/src/environment.ts"
import { issueToken } from "../packages/server/src/signaling/tokens.ts"

/** Each address of the loopback is another household to the server. */
const PER_ADDRESS = 100
const PER_ROOM = 5

const [url = "", count = "0", secretText = ""] = process.argv.slice(2)
const secret = new TextEncoder().encode(secretText)
const sockets = new Set<WebSocket>()
const inside = new Set<number>()
/** How the latest came in: as who they were, or anew. */
let resumed = 0
let joined = 0

function enter(index: number): void {
  const room = `crowd-${Math.floor(index / PER_ROOM)}`
  const localAddress = `127.0.2.${1 + Math.floor(index / PER_ADDRESS)}`
  const connect = (handlers: TransportHandlers): Transport => {
    const socket = new WebSocket(url, SUBPROTOCOL, { localAddress, perMessageDeflate: false })
    sockets.add(socket)
    socket.on("open", () => handlers.opened())
    socket.on("message", (data: Buffer) => handlers.message(data.toString()))
    // An error is followed by "close".
    socket.on("error", () => {})
    socket.on("close", () => {
      sockets.delete(socket)
      inside.delete(index)
      handlers.closed()
    })
    return { send: text => socket.send(text), close: () => socket.close() }
  }
  const arrived = () => {
    inside.add(index)
    if (inside.size === Number(count)) process.send!({ all: true, resumed, joined })
  }
  const session = new Session({
    room,
    name: () => `Guest ${index}`,
    token: () => issueToken({ room, ttl: 600 }, secret),
    clock: realClock,
    connect,
    events: {
      welcomed: () => {
        joined++
        arrived()
      },
      resumed: () => {
        resumed++
        arrived()
      },
      waiting: () => {},
      changed: () => {},
      changedSelf: () => {},
      signal: () => {},
      reconnecting: () => {},
      refused: reason => process.send!({ trouble: `${reason.code}: ${reason.message}` }),
      ended: reason => process.send!({ trouble: `${reason.code}: ${reason.message}` }),
    },
  })
  session.start()
}

process.on("message", (message: { drop?: boolean }) => {
  if (!message.drop) return
  joined = resumed = 0
  for (const socket of sockets) socket.terminate()
})

for (let index = 0; index < Number(count); index++) enter(index)
