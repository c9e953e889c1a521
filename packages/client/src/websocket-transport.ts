import type { Transport, TransportHandlers } from "./environment.ts"
import { SUBPROTOCOL } from "./messages.ts"

/** Signaling over a WebSocket to `url`/signal. */
export function webSocketTransport(url: string, handlers: TransportHandlers): Transport {
  const target = new URL("/signal", url)
  target.protocol = target.protocol === "http:" ? "ws:" : "wss:"
  const socket = new WebSocket(target, SUBPROTOCOL)
  socket.onopen = () => handlers.opened()
  socket.onmessage = ({ data }) => handlers.message(String(data))
  socket.onclose = () => handlers.closed()
  return { send: text => socket.send(text), close: () => socket.close() }
}
