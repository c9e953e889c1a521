import assert from "node:assert/strict"
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { type TestContext, test } from "node:test"
import { SUBPROTOCOL } from "@tightbeam/client"
import { WebSocket } from "ws"
import type { Connection, SignalingHost } from "./host.ts"
import { webSocketSignaling } from "./websocket.ts"

/** One client, and what the server has of it. `closed` resolves when the host is told that the connection is gone. */
async function connected(t: TestContext) {
  const { promise: closed, resolve } = Promise.withResolvers<void>()
  const opened = Promise.withResolvers<Connection>()
  const host = {
    opened: (connection: Connection) => (opened.resolve(connection), 1),
    message: () => {},
    closed: () => resolve(),
  } as unknown as SignalingHost
  const server = createServer().listen(0, "127.0.0.1")
  server.on(
    "upgrade",
    webSocketSignaling({
      host,
      origins: [],
      messageSize: 1024,
      clientAddress: () => ({ ip: Uint8Array.of(127, 0, 0, 1), port: 1 }),
    }),
  )
  await once(server, "listening")
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, SUBPROTOCOL)
  client.on("error", () => {})
  t.after(() => {
    client.terminate()
    server.close()
  })
  await once(client, "open")
  return { client, connection: await opened.promise, closed }
}

/** More than the queue and the kernels on both sides hold. */
function sendTooMuch(connection: Connection): void {
  const block = new Uint8Array(64 * 1024).fill(0x20)
  for (let i = 0; i < 400; i++) connection.send(block)
}

for (const length of [0, 125, 126, 65_535, 65_536, 200_000])
  test(`a message of ${length} bytes arrives as it was said`, async t => {
    const { client, connection } = await connected(t)
    const text = "é".repeat(length >> 1) + "x".repeat(length & 1)
    connection.send(new TextEncoder().encode(text))
    const [data, isBinary] = (await once(client, "message")) as [Buffer, boolean]
    assert.equal(data.toString(), text)
    assert.equal(isBinary, false)
  })

test("who does not read for a while is told by the code 4008 that they were too slow", async t => {
  const { client, connection } = await connected(t)
  client.pause()
  sendTooMuch(connection)
  client.resume()
  const [code] = (await once(client, "close")) as [number]
  assert.equal(code, 4008)
})

test("who never reads is gone all the same", async t => {
  const { client, connection, closed } = await connected(t)
  client.pause()
  sendTooMuch(connection)
  await closed
})
