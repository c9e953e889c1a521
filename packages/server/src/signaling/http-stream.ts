import { randomBytes } from "node:crypto"
import type { ServerResponse } from "node:http"
import { CONNECTION_HEADER } from "@tightbeam/client/http-transport"
import type { Path } from "@tightbeam/webrtc/contract"
import { HttpError, type Routes, readBody } from "../http/index.ts"
import type { SignalingHost } from "./host.ts"
import { allowOrigin } from "./origin.ts"
import { REFUSALS } from "./refusals.ts"
import { LINGER, SEND_QUEUE } from "./slow-readers.ts"

export interface HttpStreamOptions {
  readonly host: SignalingHost
  /** Origins that may connect besides the server's own: `https://app.example`. */
  readonly origins: readonly string[]
  /** Bytes of one message. */
  readonly messageSize: number
  /** Default: SEND_QUEUE. */
  readonly sendQueue?: number
}

const LINE_FEED = 0x0a

/** The last line to a client that does not read: what 4008 is on a WebSocket. */
const TOO_SLOW = Buffer.from(
  JSON.stringify({ type: "error", code: "too-slow", ...REFUSALS["too-slow"], fatal: true }),
)

/** Someone whose stream is open. */
interface Speaker {
  readonly path: Path
  /** A POST of theirs is being read. */
  speaking: boolean
}

/**
 * Signaling where no WebSocket gets through: what the server says is one answer that does not end
 * (GET /signal/stream, a message a line), what the client says is sent by POST /signal/send, a message a line.
 * The stream's first line names the connection; whoever knows that name speaks for it.
 */
export function httpSignaling(routes: Routes, options: HttpStreamOptions): void {
  const { host, origins, messageSize, sendQueue = SEND_QUEUE } = options
  // Several messages may travel together.
  const maxBody = messageSize * 4
  const speakers = new Map<string, Speaker>()

  routes.route("GET", "/signal/stream", ({ request, response, client }) => {
    const headers = allowOrigin(request, origins)
    // HEAD would open what nobody reads.
    if (request.method !== "GET")
      throw new HttpError(405, "method-not-allowed", "Only GET opens a stream.", "Use GET.", { allow: "GET" })
    response.writeHead(200, {
      ...headers,
      "content-type": "application/x-ndjson; charset=utf-8",
      "cache-control": "no-store, no-transform",
      // Proxies that wait for the end of an answer would wait for ever.
      "x-accel-buffering": "no",
    })
    const connection = randomBytes(24).toString("base64url")
    // Before anything that the server may say, which may be that there are too many.
    writeLine(response, Buffer.from(JSON.stringify({ connection })))
    const path = host.opened({
      client,
      send: text => {
        if (response.writableEnded) return
        if (response.writableLength > sendQueue) {
          writeLine(response, TOO_SLOW)
          endSoon(response)
        } else writeLine(response, text)
      },
      close: () => endSoon(response),
    })
    if (path === undefined) return endSoon(response)
    speakers.set(connection, { path, speaking: false })
    response.on("close", () => {
      speakers.delete(connection)
      host.closed(path)
    })
  })

  routes.route("POST", "/signal/send", async ({ request, response }) => {
    const headers = allowOrigin(request, origins)
    const speaker = speakers.get(String(request.headers[CONNECTION_HEADER]))
    if (speaker === undefined)
      throw new HttpError(404, "connection-unknown", "This stream has ended.", "Open another one.", headers)
    // It might overtake the first; and a thousand that never end would each be kept as far as they came.
    if (speaker.speaking)
      throw new HttpError(
        409,
        "busy",
        "Another request of this stream is being read.",
        "Wait for it.",
        headers,
      )
    speaker.speaking = true
    try {
      const body = await readBody(request, maxBody)
      for (const line of linesOf(body)) host.message(speaker.path, line)
    } finally {
      speaker.speaking = false
    }
    response.writeHead(204, headers).end()
  })

  for (const pattern of ["/signal/stream", "/signal/send"])
    routes.route("OPTIONS", pattern, ({ request, response }) => {
      const headers = allowOrigin(request, origins)
      response.writeHead(204, {
        ...headers,
        "access-control-allow-methods": "GET, POST",
        "access-control-allow-headers": CONNECTION_HEADER,
        "access-control-max-age": "600",
      })
      response.end()
    })
}

function* linesOf(body: Buffer): Generator<Buffer> {
  for (let start = 0; start < body.length; ) {
    const end = body.indexOf(LINE_FEED, start)
    const line = body.subarray(start, end === -1 ? body.length : end)
    if (line.length > 0) yield line
    start += line.length + 1
  }
}

/** What was said may still be read; who does not read is gone all the same. */
function endSoon(response: ServerResponse): void {
  const timer = setTimeout(() => response.destroy(), LINGER).unref()
  response.once("close", () => clearTimeout(timer))
  response.end()
}

function writeLine(response: ServerResponse, text: Uint8Array): void {
  const line = Buffer.allocUnsafe(text.length + 1)
  line.set(text)
  line[text.length] = LINE_FEED
  response.write(line)
}
