import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import { once } from "node:events"
import { createServer, type IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"
import { test } from "node:test"
import { realClock } from "./environment.ts"
import { signalingTransport } from "./signaling-transport.ts"

test("a WebSocket that opens and dies before a word is taken for none: HTTP is next", async t => {
  const asked: string[] = []
  // As a proxy that knows the handshake and no frame.
  const proxy = createServer((request: IncomingMessage, response) => {
    asked.push(request.url!)
    response.writeHead(200, { "content-type": "application/x-ndjson" })
    response.write('{"connection":"c"}\n')
  })
  proxy.on("upgrade", (request, socket) => {
    asked.push("upgrade")
    const key = `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`
    const accept = createHash("sha1").update(key).digest("base64")
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept}\r\nsec-websocket-protocol: tightbeam.v1\r\n\r\n`,
    )
    socket.on("data", () => socket.destroy())
    socket.on("error", () => {})
  })
  proxy.listen(0, "127.0.0.1")
  await once(proxy, "listening")
  t.after(() => {
    proxy.close()
    proxy.closeAllConnections()
  })
  const connect = signalingTransport(
    () => `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    realClock,
  )
  const died = Promise.withResolvers<void>()
  const first = connect({
    opened: () => first.send("hello"),
    message: () => {},
    closed: () => died.resolve(),
  })
  await died.promise
  const opened = Promise.withResolvers<void>()
  const second = connect({
    opened: () => opened.resolve(),
    message: () => {},
    closed: () => opened.resolve(),
  })
  await opened.promise
  second.close()
  assert.deepEqual(asked, ["upgrade", "/signal/stream"])
})
