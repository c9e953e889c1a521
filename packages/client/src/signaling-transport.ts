import type { Clock, Transport, TransportHandlers } from "./environment.ts"
import { webSocketTransport } from "./websocket-transport.ts"

/** How long a WebSocket may take to open, ms. Some proxies swallow it without a word. */
const OPEN_TIMEOUT = 5000

/** Most never need it: it is loaded when they do. */
function lazyHttpTransport(url: string, handlers: TransportHandlers): Transport {
  let transport: Transport | undefined
  let closed = false
  const load = async (): Promise<void> => {
    try {
      const { httpTransport } = await import("./http-transport.ts")
      if (!closed) transport = httpTransport(url, handlers)
    } catch {
      handlers.closed()
    }
  }
  void load()
  return {
    send: text => transport?.send(text),
    close: () => {
      closed = true
      transport?.close()
    },
  }
}

/**
 * Connects by WebSocket, and where that does not open, by HTTP: behind some proxies, and on iPhones that trust a
 * self-signed certificate for pages but not for WebSockets. What was heard over last time is tried first the next: some
 * proxies open a WebSocket, and let no frame of it through.
 */
export function signalingTransport(
  url: () => string,
  clock: Clock,
): (handlers: TransportHandlers) => Transport {
  let way = webSocketTransport
  return handlers => {
    const tried = way
    let heard = false
    let ended = false
    const end = () => {
      if (ended) return
      ended = true
      cancel()
      if (!heard) way = tried === webSocketTransport ? lazyHttpTransport : webSocketTransport
      handlers.closed()
    }
    const transport = way(url(), {
      opened: () => {
        cancel()
        handlers.opened()
      },
      message: text => {
        heard = true
        handlers.message(text)
      },
      closed: end,
    })
    const cancel = clock.after(OPEN_TIMEOUT, () => {
      transport.close()
      end()
    })
    return transport
  }
}
