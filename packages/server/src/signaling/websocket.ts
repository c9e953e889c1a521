import type { IncomingMessage } from "node:http"
import type { Duplex } from "node:stream"
import { SUBPROTOCOL } from "@tightbeam/client"
import type { Address } from "@tightbeam/webrtc/bytes"
import { WebSocketServer } from "ws"
import type { SignalingHost } from "./host.ts"
import { isAllowedOrigin } from "./origin.ts"

export interface WebSocketOptions {
  readonly host: SignalingHost
  /** Origins that may connect besides the server's own: `https://app.example`. */
  readonly origins: readonly string[]
  /** Bytes of one message. */
  readonly messageSize: number
  /** The client's address, as far as it can be known behind a proxy. */
  readonly clientAddress: (request: IncomingMessage) => Address
  /** Bytes that may wait for a client that does not read, before it is cut off. */
  readonly sendQueue?: number
}

/** Close codes of our own range (RFC 6455 §7.4.2). The error message that went before says more. */
const CLOSE = { refused: 4000, idle: 4001, slow: 4008, tooMany: 4029 } as const

/** RFC 6455 §7.4.1: done, and going away. */
const NORMAL = 1000
const GOING_AWAY = 1001

/** Carries signaling over WebSocket: hand it the upgrades of its URL. */
export function webSocketSignaling(
  options: WebSocketOptions,
): (request: IncomingMessage, socket: Duplex, head: Buffer) => void {
  const { host, origins, messageSize, clientAddress, sendQueue = 1024 * 1024 } = options
  const server = new WebSocketServer({
    noServer: true,
    // One past the machine's own limit: what is a little too large gets an answer, what is far too large is cut off.
    maxPayload: messageSize * 2,
    perMessageDeflate: false,
    handleProtocols: protocols => (protocols.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  })

  return (request, socket, head) => {
    const refusal = upgradeRefusal(request, origins)
    if (refusal !== undefined) {
      socket.end(`HTTP/1.1 ${refusal}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`)
      return
    }
    server.handleUpgrade(request, socket, head, ws => {
      const path = host.opened({
        client: clientAddress(request),
        send: text => {
          if (ws.bufferedAmount > sendQueue) ws.close(CLOSE.slow, "slow reader")
          else ws.send(text, { binary: false })
        },
        close: code => {
          if (code === "left") ws.close(NORMAL, code)
          else if (code === "closing") ws.close(GOING_AWAY, code)
          else if (code === "too-many") ws.close(CLOSE.tooMany, code)
          else ws.close(code === "idle" ? CLOSE.idle : CLOSE.refused, code)
        },
      })
      if (path === undefined) {
        ws.close(GOING_AWAY, "too many connections")
        return
      }
      ws.on("message", (data: Buffer) => host.message(path, data))
      ws.on("close", () => host.closed(path))
      // Malformed frames and resets end in "close" as well: there is nothing else to do about them.
      ws.on("error", () => {})
    })
  }
}

/** Why a page of another origin, or a client of another protocol, may not connect: a status line. */
function upgradeRefusal(request: IncomingMessage, origins: readonly string[]): string | undefined {
  if (!isAllowedOrigin(request, origins)) return "403 Forbidden"
  const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",").map(each => each.trim())
  return offered.includes(SUBPROTOCOL) ? undefined : "426 Upgrade Required"
}
