import assert from "node:assert/strict"
import { once } from "node:events"
import { createServer as createHttpServer, request as httpRequest, type IncomingMessage } from "node:http"
import { connect, type Socket } from "node:net"
import { test } from "node:test"
import { TcpPort, type TcpProtocol } from "./tcp-port.ts"

const echo: TcpProtocol = {
  name: "echo",
  matches: head => head[0] === 0x65,
  accept: socket => void socket.pipe(socket),
}

async function dial(port: TcpPort): Promise<Socket> {
  const socket = connect(port.local.port, "127.0.0.1")
  await once(socket, "connect")
  return socket
}

test("a connection goes to the protocol of its first byte, with that byte", async () => {
  const http = createHttpServer((_req, res) => res.end("hello"))
  const port = await TcpPort.listen({
    address: "127.0.0.1",
    port: 0,
    protocols: [
      echo,
      { name: "http", matches: () => true, accept: socket => void http.emit("connection", socket) },
    ],
  })
  const socket = await dial(port)
  socket.end("e and the rest")
  assert.equal(Buffer.concat(await socket.toArray()).toString(), "e and the rest")

  const request = httpRequest({ host: "127.0.0.1", port: port.local.port, method: "POST", agent: false })
  request.end("x".repeat(100_000))
  const [response] = (await once(request, "response")) as [IncomingMessage]
  assert.equal(Buffer.concat(await response.toArray()).toString(), "hello")
  await port.close()
  assert.equal(port.counters().accepted, 2)
})

test("a silent connection is closed after the limit, an unknown one at once", async () => {
  const port = await TcpPort.listen({
    address: "127.0.0.1",
    port: 0,
    protocols: [echo],
    limits: { silence: 20 },
  })
  const silent = await dial(port)
  await once(silent.resume(), "close")
  assert.equal(port.counters().silent, 1)
  const unknown = await dial(port)
  unknown.on("error", () => {})
  unknown.write("?")
  await once(unknown.resume(), "close")
  assert.equal(port.counters().unknown, 1)
  await port.close()
})

test("a protocol may need more than the first byte to be told, and has them all then", async () => {
  const port = await TcpPort.listen({
    address: "127.0.0.1",
    port: 0,
    protocols: [
      {
        name: "twins",
        matches: head => (head[0] !== 0x65 ? false : head.length < 3 ? undefined : head[2] === 0x65),
        accept: socket => void socket.end("twins"),
      },
      echo,
    ],
    limits: { silence: 30 },
  })
  const split = await dial(port)
  split.write("e")
  await new Promise(setImmediate)
  split.end("cho")
  assert.equal(Buffer.concat(await split.toArray()).toString(), "echo")
  const stalled = await dial(port)
  stalled.write("e-")
  await once(stalled.resume(), "close")
  assert.equal(port.counters().silent, 1)
  await port.close()
})

test("connections beyond a cap are closed at once, and room comes back", async () => {
  const limits = { connections: 3, connectionsPerAddress: 2 }
  const port = await TcpPort.listen({ address: "127.0.0.1", port: 0, protocols: [echo], limits })
  const first = await dial(port)
  const second = await dial(port)
  const third = await dial(port)
  third.on("error", () => {})
  await once(third.resume(), "close")
  assert.equal(port.counters().refused, 1)
  assert.equal(port.counters().open, 2)
  first.end("e")
  await once(first.resume(), "close")
  const fourth = await dial(port)
  fourth.write("e")
  await once(fourth, "data")
  second.on("error", () => {})
  fourth.on("error", () => {})
  await port.close()
  assert.equal(port.counters().open, 0)
})

test("a port that is taken is an error with its code", async () => {
  const port = await TcpPort.listen({ address: "127.0.0.1", port: 0, protocols: [echo] })
  const again = TcpPort.listen({ address: "127.0.0.1", port: port.local.port, protocols: [echo] })
  await assert.rejects(again, { code: "EADDRINUSE" })
  await port.close()
})
