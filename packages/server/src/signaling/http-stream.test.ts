import assert from "node:assert/strict"
import { once } from "node:events"
import { createServer } from "node:http"
import { type AddressInfo, connect } from "node:net"
import { test } from "node:test"
import { Routes } from "../http/index.ts"
import type { Connection, SignalingHost } from "./host.ts"
import { httpSignaling } from "./http-stream.ts"

test("who is told to go and reads nothing of it is gone all the same", async t => {
  const opened = Promise.withResolvers<Connection>()
  const closed = Promise.withResolvers<void>()
  const host = {
    opened: (connection: Connection) => (opened.resolve(connection), 1),
    closed: () => closed.resolve(),
  } as unknown as SignalingHost
  const client = { ip: Uint8Array.of(127, 0, 0, 1), port: 1 }
  const routes = new Routes()
  httpSignaling(routes, {
    host,
    origins: [],
    messageSize: 1024,
    sendQueue: Number.POSITIVE_INFINITY,
  })
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
  const connection = await opened.promise
  // More than the kernels on both sides hold.
  const block = new Uint8Array(64 * 1024).fill(0x20)
  for (let i = 0; i < 400; i++) connection.send(block)
  connection.close("kicked")
  await closed.promise
  assert.equal(socket.bytesRead < 400 * block.length, true)
})
