import type { IncomingMessage } from "node:http"
import type { Duplex } from "node:stream"
import { SUBPROTOCOL } from "@tightbeam/client"
import type { Address } from "@tightbeam/webrtc/bytes"
import { type WebSocket, WebSocketServer } from "ws"
import { HttpError } from "../http/index.ts"
import type { SignalingHost } from "./host.ts"
import { allowOrigin } from "./origin.ts"
import { LINGER, SEND_QUEUE } from "./slow-readers.ts"

export interface WebSocketOptions {
  readonly host: SignalingHost
  /** Origins that may connect besides the server's own: `https://app.example`. */
  readonly origins: readonly string[]
  /** Bytes of one message. */
  readonly messageSize: number
  /** The client's address, as far as it can be known behind a proxy. */
  readonly clientAddress: (request: IncomingMessage) => Address
}

/** Close codes of our own range (RFC 6455 §7.4.2). The error message that went before says more. */
const CLOSE = { refused: 4000, idle: 4001, slow: 4008, tooMany: 4029 } as const

/** RFC 6455 §7.4.1: done, and going away. */
const NORMAL = 1000
const GOING_AWAY = 1001

/** Bytes of a client that are heard before it is everybody else's turn, however much it says at once. */
const SHARE = 64 * 1024

/** FIN, and the opcode of text. */
const FINAL_TEXT = 0x81

/**
 * Carries signaling over WebSocket: hand it the upgrades of its URL. Throws `HttpError` for a page of another origin, or
 * a client of another protocol.
 */
export function webSocketSignaling(
  options: WebSocketOptions,
): (request: IncomingMessage, socket: Duplex, head: Buffer) => void {
  const { host, origins, messageSize, clientAddress } = options
  const server = new WebSocketServer({
    noServer: true,
    // Twice the machine's own limit: what is a little too large gets an answer, what is far too large is cut off.
    maxPayload: messageSize * 2,
    perMessageDeflate: false,
    handleProtocols: protocols => (protocols.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  })

  return (request, socket, head) => {
    allowOrigin(request, origins)
    needSubprotocol(request)
    const client = clientAddress(request)
    server.handleUpgrade(request, socket, head, ws => serve(ws, socket, client, host))
  }
}

/** Holds nothing of the request, which may be a hundred headers. */
function serve(ws: WebSocket, socket: Duplex, client: Address, host: SignalingHost): void {
  const endSoon = () => void setTimeout(() => ws.terminate(), LINGER).unref()
  const path = host.opened({
    client,
    send: text => {
      if (ws.readyState !== ws.OPEN) return
      if (socket.writableLength > SEND_QUEUE) {
        ws.close(CLOSE.slow, "slow reader")
        endSoon()
      } else socket.write(textFrame(text))
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
  let share = SHARE
  let failed = false
  ws.on("message", (data: Buffer) => {
    host.message(path, data)
    share -= data.length
    if (share > 0) return
    share = SHARE
    ws.pause()
    setImmediate(() => failed || ws.resume())
  })
  ws.on("close", () => host.closed(path))
  // Malformed frames, and those that are far too large, end in "close" as well. `ws` has said why, and would read all
  // that still comes, to no end but the garbage of it: it stays where it is until they have had time to hear.
  ws.on("error", () => {
    failed = true
    process.nextTick(() => socket.pause())
    endSoon()
  })
}

/**
 * A message as one unmasked text frame (RFC 6455 §5.2), in one buffer and so one cheap write: `ws` writes the header by
 * itself, which is half of what a message costs. Nothing that it writes can come between: its frames are whole, too.
 */
function textFrame(text: Uint8Array): Buffer {
  const { length } = text
  const header = length < 126 ? 2 : length < 65_536 ? 4 : 10
  const frame = Buffer.allocUnsafe(header + length)
  frame[0] = FINAL_TEXT
  if (header === 2) frame[1] = length
  else if (header === 4) {
    frame[1] = 126
    frame.writeUInt16BE(length, 2)
  } else {
    frame[1] = 127
    frame.writeBigUInt64BE(BigInt(length), 2)
  }
  frame.set(text, header)
  return frame
}

/** A client of another protocol could say nothing that is understood (RFC 9110 §15.5.22). */
function needSubprotocol(request: IncomingMessage): void {
  const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",").map(each => each.trim())
  if (offered.includes(SUBPROTOCOL)) return
  throw new HttpError(
    426,
    "upgrade-required",
    "This speaks another protocol.",
    `Offer the subprotocol ${SUBPROTOCOL}.`,
    { upgrade: "websocket" },
  )
}
