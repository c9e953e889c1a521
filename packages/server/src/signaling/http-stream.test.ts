import assert from "node:assert/strict"
import { once } from "node:events"
import { createServer } from "node:http"
import { type AddressInfo, connect } from "node:net"
import { type TestContext, test } from "node:test"
import { Routes } from "../http/index.ts"
import type { Connection, SignalingHost } from "./host.ts"
import { httpSignaling } from "./http-stream.ts"

/** 400 of these are more than the queue and the kernels on both sides hold. */
const BLOCK = new Uint8Array(64 * 1024).fill(0x20)

/** A stream whose client does not read yet. `closed` resolves when the host is told that it is gone. */
async function connected(t: TestContext, sendQueue?: number) {
  const opened = Promise.withResolvers<Connection>()
  const { promise: closed, resolve } = Promise.withResolvers<void>()
  const host = {
    opened: (connection: Connection) => (opened.resolve(connection), 1),
    closed: () => resolve(),
  } as unknown as SignalingHost
  const client = { ip: Uint8Array.of(127, 0, 0, 1), port: 1 }
  const routes = new Routes()
  httpSignaling(routes, { host, origins: [], messageSize: 1024, ...(sendQueue && { sendQueue }) })
  const server = createServer((request, response) => {
    const url = new URL(request.url!, "http://localhost")
    const { handler, params } = routes.match(request.method!, url.pathname)!
    void handler({ request, response, url, params, client })
  }).listen(0, "127.0.0.1")
  await once(server, "listening")
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1").pause()
  t.after(() => {
    socket.destroy()
    server.close()
  })
  socket.write("GET /signal/stream HTTP/1.1\r\nhost: x\r\n\r\n")
  return { socket, connection: await opened.promise, closed }
}

test("who does not read for a while is told so in the last line", async t => {
  const { socket, connection } = await connected(t)
  let text = ""
  for (let i = 0; i < 400; i++) connection.send(BLOCK)
  socket.on("data", (chunk: Buffer) => (text = (text + chunk.toString()).slice(-1000)))
  socket.resume()
  await once(socket, "end")
  assert.match(text, /"code":"too-slow".*"fatal":true/)
})

test("who is told to go and reads nothing of it is gone all the same", async t => {
  const { socket, connection, closed } = await connected(t, Number.POSITIVE_INFINITY)
  for (let i = 0; i < 400; i++) connection.send(BLOCK)
  connection.close("kicked")
  await closed
  assert.ok(socket.bytesRead < 400 * BLOCK.length)
})
