import type { Transport, TransportHandlers } from "./environment.ts"
import { TightbeamError } from "./errors.ts"
import { SUBPROTOCOL } from "./messages.ts"

/** Signaling over a WebSocket to `url`/signal. Throws a `TightbeamError` where `url` is none. */
export function webSocketTransport(url: string, handlers: TransportHandlers): Transport {
  const socket = open(url)
  socket.onopen = () => handlers.opened()
  socket.onmessage = ({ data }) => handlers.message(String(data))
  socket.onclose = () => handlers.closed()
  return { send: text => socket.send(text), close: () => socket.close() }
}

function open(url: string): WebSocket {
  try {
    const target = new URL("/signal", url)
    target.protocol = target.protocol === "http:" ? "ws:" : "wss:"
    return new WebSocket(target, SUBPROTOCOL)
  } catch (cause) {
    throw new TightbeamError(
      "server-unreachable",
      "The server's address is none.",
      `"${url}" should look like https://calls.example.`,
      { cause },
    )
  }
}
