import assert from "node:assert/strict"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, describe, type TestContext, test } from "node:test"
import type { ClientMessage, ServerMessage } from "@tightbeam/client"
import { httpTransport } from "@tightbeam/client/http-transport"
import { WebSocket } from "ws"
import { parseConfig } from "../config/schema.ts"
import { createLog } from "../log/index.ts"
import { RelayClient } from "../relay/testing/relay-client.ts"
import { type Running, start } from "../start.ts"
import { signaling } from "./service.ts"
import { issueToken } from "./tokens.ts"

const data = mkdtempSync(join(tmpdir(), "tightbeam-signaling-"))
after(() => rmSync(data, { recursive: true }))

const SECRET = "0123456789abcdef0123456789abcdef"

async function server(
  t: TestContext,
  settings: object = {},
): Promise<{ running: Running; url: string; logged: string[] }> {
  const logged: string[] = []
  const config = parseConfig({
    http: { address: "127.0.0.1", port: 0, origins: ["https://app.example"] },
    turn: { address: "127.0.0.1", port: 0, announce: "127.0.0.1" },
    access: { secret: SECRET },
    log: { level: "debug" },
    data,
    ...settings,
  })
  const log = createLog({ level: "debug", form: "json", write: line => void logged.push(line) })
  const running = await start(config, {
    log,
    services: [signaling()],
    onEvidence: evidence => logged.push(JSON.stringify(evidence)),
  })
  t.after(() => running.close())
  return { running, url: `http://127.0.0.1:${running.httpPort}`, logged }
}

async function open(t: TestContext, url: string, options: object = {}) {
  const socket = new WebSocket(`${url}/signal`, "tightbeam.v1", options)
  t.after(() => socket.terminate())
  const received: ServerMessage[] = []
  const unread: ServerMessage[] = []
  socket.on("message", (data: Buffer) => {
    const message = JSON.parse(data.toString()) as ServerMessage
    // Whoever is alone is a host, and hears of the lobby at any time: that is not waited for here.
    if (message.type === "lobby") return
    received.push(message)
    unread.push(message)
  })
  await once(socket, "open")
  return {
    socket,
    received,
    say: (message: ClientMessage) => socket.send(JSON.stringify(message)),
    /** The first that was not read yet. */
    next: async () => {
      while (unread.length === 0) await once(socket, "message")
      return unread.shift()!
    },
  }
}

/** The status that an upgrade is refused with. */
async function joining(url: string, name: string): Promise<ClientMessage> {
  const token = (await pageToken(url, "standup")).body.token!
  return { type: "join", version: 1, room: "standup", token, name }
}

async function refused(url: string, protocols: string[], options: object): Promise<number | undefined> {
  const socket = new WebSocket(`${url}/signal`, protocols, options)
  socket.on("error", () => {})
  const [, response] = (await once(socket, "unexpected-response")) as [unknown, { statusCode?: number }]
  socket.terminate()
  return response.statusCode
}

/** The SDK's own HTTP transport. */
function overHttp(t: TestContext, url: string) {
  const received: ServerMessage[] = []
  const opened = Promise.withResolvers<void>()
  let changed = Promise.withResolvers<void>()
  const transport = httpTransport(url, {
    opened: () => opened.resolve(),
    message: text => {
      received.push(JSON.parse(text) as ServerMessage)
      changed.resolve()
      changed = Promise.withResolvers()
    },
    closed: () => {},
  })
  t.after(() => transport.close())
  return {
    transport,
    opened: opened.promise,
    say: (message: ClientMessage) => transport.send(JSON.stringify(message)),
    next: async <Type extends ServerMessage["type"]>(type: Type) => {
      for (;;) {
        const found = received.find(
          (each): each is Extract<ServerMessage, { type: Type }> => each.type === type,
        )
        if (found !== undefined) return found
        await changed.promise
      }
    },
  }
}

const pageToken = async (url: string, room: string) => {
  const answer = await fetch(`${url}/api/rooms/${room}/token`, { method: "POST" })
  return { status: answer.status, body: (await answer.json()) as Record<string, string> }
}

describe("Signaling over WebSocket", () => {
  test("a page's token opens its room, with TURN credentials bound to room and participant", async t => {
    const { url } = await server(t)
    const { body } = await pageToken(url, "standup")
    const ada = await open(t, url)
    ada.say({ type: "join", version: 1, room: "standup", token: body.token!, name: "Ada" })
    const joined = await ada.next()
    assert.ok(joined.type === "joined")
    const turn = joined.iceServers.find(each => each.urls[0]!.startsWith("turn:"))!
    const [expiry, room, participant] = turn.username!.split(":")
    assert.equal(room, "standup")
    assert.equal(participant, joined.self.id)
    const left = Number(expiry) - Date.now() / 1000
    assert.ok(left > joined.ttl - 10 && left <= joined.ttl, `they expire in ${left} s`)
    assert.match(turn.urls[0]!, /^turn:127\.0\.0\.1:\d+\?transport=udp$/)
  })

  test("another page's origin is refused; our own, an allowed one and a program's are not", async t => {
    const { url } = await server(t)
    assert.equal(await refused(url, ["tightbeam.v1"], { origin: "https://evil.example" }), 403)
    assert.equal(await refused(url, ["tightbeam.v1"], { origin: "null" }), 403)
    assert.equal(await refused(url, ["tightbeam.v1"], { origin: `${url}.evil.example` }), 403)
    await open(t, url, { origin: url })
    await open(t, url, { origin: "https://app.example" })
    await open(t, url)
  })

  test("who does not offer our subprotocol is refused", async t => {
    const { url } = await server(t)
    assert.equal(await refused(url, ["chat"], {}), 426)
    assert.equal(await refused(url, [], {}), 426)
  })

  test("who is refused and does not hang up is gone all the same", async t => {
    const { running } = await server(t)
    const socket = connect({ port: running.httpPort, host: "127.0.0.1", allowHalfOpen: true })
    t.after(() => socket.destroy())
    const upgrade = "upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13"
    socket.write(
      `GET /signal HTTP/1.1\r\nhost: x\r\n${upgrade}\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
    )
    let answer = ""
    socket.on("data", (chunk: Buffer) => (answer += chunk.toString()))
    await once(socket, "end")
    assert.match(answer, /^HTTP\/1\.1 426 /)
    const { promise: gone, resolve } = Promise.withResolvers<void>()
    // Nobody takes it any more.
    const write = () => socket.write("x", error => (error ? resolve() : setImmediate(write)))
    socket.on("error", () => {})
    write()
    await gone
  })

  test("wrong, expired and foreign tokens are told apart, and none of them is logged", async t => {
    const { url, logged } = await server(t)
    const secret = new TextEncoder().encode(SECRET)
    const wrong = await issueToken({ room: "standup", ttl: 60 }, new TextEncoder().encode("x".repeat(32)))
    const expired = await issueToken({ room: "standup", ttl: -60 }, secret)
    const foreign = await issueToken({ room: "elsewhere", ttl: 60 }, secret)
    for (const [token, code] of [
      [wrong, "token-invalid"],
      [expired, "token-expired"],
      [foreign, "token-foreign"],
    ] as const) {
      const eve = await open(t, url)
      eve.say({ type: "join", version: 1, room: "standup", token, name: "Eve" })
      const error = await eve.next()
      assert.ok(error.type === "error" && error.code === code, JSON.stringify(error))
      const [status, reason] = (await once(eve.socket, "close")) as [number, Buffer]
      assert.deepEqual([status, reason.toString()], [4000, code])
    }
    assert.ok(logged.some(line => line.includes("token-expired")))
    for (const token of [wrong, expired, foreign])
      assert.ok(!logged.some(line => line.includes(token.slice(-40))))
  })

  test("frames beyond all measure and broken ones close the socket, and nothing else", async t => {
    const { url } = await server(t)
    const { body } = await pageToken(url, "standup")
    const ada = await open(t, url)
    ada.say({ type: "join", version: 1, room: "standup", token: body.token!, name: "Ada" })
    await ada.next()
    const eve = await open(t, url)
    eve.socket.send("x".repeat(1_000_000))
    const [status] = (await once(eve.socket, "close")) as [number]
    assert.equal(status, 1009)
    const mallory = await open(t, url)
    // A reserved opcode, straight into the TCP connection.
    ;(mallory.socket as unknown as { _socket: { write(bytes: Buffer): void } })._socket.write(
      Buffer.from([0x83, 0x80, 1, 2, 3, 4]),
    )
    await once(mallory.socket, "close")
    ada.say({ type: "ping", id: 7 })
    assert.deepEqual(await ada.next(), { type: "pong", id: 7, ack: 0 })
  })

  test("without WebSocket, the same session goes over HTTP: both ways, in order, and its end is noticed", async t => {
    const { url } = await server(t)
    const ada = await open(t, url)
    ada.say({
      type: "join",
      version: 1,
      room: "standup",
      token: (await pageToken(url, "standup")).body.token!,
      name: "Ada",
    })
    await ada.next()
    const ben = overHttp(t, url)
    await ben.opened
    ben.say({
      type: "join",
      version: 1,
      room: "standup",
      token: (await pageToken(url, "standup")).body.token!,
      name: "Ben",
    })
    const joined = await ben.next("joined")
    assert.equal(joined.participants[0]?.name, "Ada")
    const to = joined.participants[0].id
    for (let generation = 0; generation < 20; generation++)
      ben.say({
        type: "signal",
        to,
        generation,
        signal: { description: { type: "offer", sdp: "x".repeat(20_000) }, tracks: {} },
      })
    ben.say({ type: "leave" })
    ben.transport.close()
    while (ada.received.at(-1)?.type !== "participant" || ada.received.length < 23)
      await once(ada.socket, "message")
    const generations = ada.received.flatMap(each => (each.type === "signal" ? [each.generation] : []))
    assert.deepEqual(
      generations,
      Array.from({ length: 20 }, (_, i) => i),
    )
    const last = ada.received.at(-1)!
    assert.ok(last.type === "participant" && last.change === "left")
  })

  test("more than one POST may carry goes in several, in order, and the stream stays", async t => {
    const { url } = await server(t)
    const ada = await open(t, url)
    ada.say(await joining(url, "Ada"))
    await ada.next()
    const ben = overHttp(t, url)
    await ben.opened
    ben.say(await joining(url, "Ben"))
    const to = (await ben.next("joined")).participants[0]!.id
    // As who comes into a room of sixty says at once.
    for (let generation = 0; generation < 60; generation++)
      ben.say({
        type: "signal",
        to,
        generation,
        signal: { description: { type: "offer", sdp: "x".repeat(8000) }, tracks: {} },
      })
    ben.say({ type: "ping", id: 7 })
    assert.equal((await ben.next("pong")).id, 7)
    const generations = () => ada.received.flatMap(each => (each.type === "signal" ? [each.generation] : []))
    while (generations().length < 60) await once(ada.socket, "message")
    assert.deepEqual(
      generations(),
      Array.from({ length: 60 }, (_, i) => i),
    )
  })

  test("one POST at a time: another for the same stream is refused before it is read", async t => {
    const { url, running } = await server(t)
    const stream = await fetch(`${url}/signal/stream`)
    const reader = stream.body!.getReader()
    t.after(() => reader.cancel())
    const { connection } = JSON.parse(Buffer.from((await reader.read()).value).toString()) as {
      connection: string
    }
    const slow = connect(running.httpPort, "127.0.0.1")
    t.after(() => slow.destroy())
    slow.write(`POST /signal/send HTTP/1.1\r\nhost: x\r\ntightbeam-connection: ${connection}\r\n`)
    slow.write('content-length: 22\r\n\r\n{"type":"ping"')
    const post = () =>
      fetch(`${url}/signal/send`, {
        method: "POST",
        headers: { "tightbeam-connection": connection },
        body: '{"type":"ping","id":2}',
      })
    let second = await post()
    // The first may not have been looked at yet.
    while (second.status === 204) {
      await reader.read()
      second = await post()
    }
    assert.equal(second.status, 409)
    slow.write(',"id":1}')
    const [answer] = (await once(slow, "data")) as [Buffer]
    assert.match(answer.toString(), /^HTTP\/1\.1 204/)
    assert.match(Buffer.from((await reader.read()).value).toString(), /"id":1/)
    assert.equal((await post()).status, 204)
  })

  test("who ends an HTTP stream without a word is away, and a POST for it says that it has ended", async t => {
    const { url } = await server(t)
    const ada = await open(t, url)
    ada.say(await joining(url, "Ada"))
    await ada.next()
    const stream = new AbortController()
    const answer = await fetch(`${url}/signal/stream`, { signal: stream.signal })
    const reader = answer.body!.getReader()
    const { connection } = JSON.parse(Buffer.from((await reader.read()).value).toString()) as {
      connection: string
    }
    const post = (body: string) =>
      fetch(`${url}/signal/send`, { method: "POST", headers: { "tightbeam-connection": connection }, body })
    assert.equal((await post(JSON.stringify(await joining(url, "Ben")))).status, 204)
    assert.match(Buffer.from((await reader.read()).value).toString(), /"joined"/)
    assert.equal((await post("x".repeat(300_000))).status, 413)
    const arrived = await ada.next()
    assert.ok(arrived.type === "participant" && arrived.change === "joined")
    stream.abort()
    const gone = await ada.next()
    assert.ok(gone.type === "participant" && gone.change === "updated" && gone.participant.away)
    assert.equal((await post("{}")).status, 404)
  })

  test("another page's origin may not use HTTP signaling either; an allowed one may, and is told so", async t => {
    const { url } = await server(t)
    const from = (origin: string) => fetch(`${url}/signal/send`, { method: "OPTIONS", headers: { origin } })
    assert.equal((await from("https://evil.example")).status, 403)
    const allowed = await from("https://app.example")
    assert.equal(allowed.status, 204)
    assert.equal(allowed.headers.get("access-control-allow-origin"), "https://app.example")
    assert.match(allowed.headers.get("access-control-allow-headers")!, /tightbeam-connection/)
    assert.equal(
      (await fetch(`${url}/signal/stream`, { headers: { origin: "https://evil.example" } })).status,
      403,
    )
  })

  test("an upgrade of another path is not ours", async t => {
    const { running } = await server(t)
    const socket = connect(running.httpPort, "127.0.0.1")
    socket.write("GET /elsewhere HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    const [answer] = (await once(socket, "data")) as [Buffer]
    assert.match(answer.toString(), /^HTTP\/1\.1 404 /)
    socket.destroy()
  })

  test("where only the application lets people in, the pages get no tokens", async t => {
    const { url } = await server(t, { access: { mode: "token", secret: SECRET } })
    const { status, body } = await pageToken(url, "standup")
    assert.equal(status, 403)
    assert.equal(body.code, "not-allowed")
    assert.ok(body.hint)
  })

  test("a room that is no room's name gets no token", async t => {
    const { url } = await server(t)
    assert.equal((await pageToken(url, "a%20b")).status, 400)
    assert.equal((await pageToken(url, "x".repeat(65))).status, 400)
  })

  test("draining waits for who is still relayed, after they have left the signaling", async t => {
    const { running, url } = await server(t)
    const ada = await open(t, url)
    ada.say({
      type: "join",
      version: 1,
      room: "standup",
      token: (await pageToken(url, "standup")).body.token!,
      name: "Ada",
    })
    const joined = await ada.next()
    assert.ok(joined.type === "joined")
    const { username, credential } = joined.iceServers.at(-1)!
    const client = await RelayClient.udp(running.turnPort!, username!, credential!)
    t.after(() => client.stop())
    await client.allocate()
    let isDrained = false
    const drained = running.drain().then(() => (isDrained = true))
    ada.socket.close()
    await once(ada.socket, "close")
    // One more round trip through the relay: it is still there.
    assert.equal(await client.permit("8.8.8.8"), 0)
    assert.equal(isDrained, false)
    await client.close()
    await drained
  })

  test("draining tells everybody, lets nobody in, and ends when the last has gone", async t => {
    const { running, url } = await server(t)
    const token = async () => (await pageToken(url, "standup")).body.token!
    const ada = await open(t, url)
    ada.say({ type: "join", version: 1, room: "standup", token: await token(), name: "Ada" })
    await ada.next()
    const late = { socket: await open(t, url), token: await token() }
    const told = ada.next()
    const drained = running.drain()
    assert.equal((await told).type, "closing")
    late.socket.received.length = 0
    late.socket.say({ type: "join", version: 1, room: "standup", token: late.token, name: "Late" })
    const refusal = await late.socket.next()
    assert.ok(refusal.type === "closing" || (refusal.type === "error" && refusal.code === "closing"))
    ada.socket.close()
    late.socket.socket.close()
    await drained
    assert.equal(running.phase, "closed")
  })
})

describe("What one address may take", () => {
  const limited = (limits: object) => ({ limits: { addresses: 1000, ...limits } })

  test("signaling connections, over WebSocket and HTTP alike: more are told so and closed", async t => {
    const { url } = await server(t, limited({ signalingPerAddress: 2 }))
    const ada = await open(t, url)
    const ben = overHttp(t, url)
    await ben.opened
    const over = await open(t, url)
    if (over.received.length === 0) await once(over.socket, "message")
    const [error] = over.received
    assert.ok(error?.type === "error" && error.code === "too-many" && error.fatal)
    const plain = overHttp(t, url)
    assert.equal((await plain.next("error")).code, "too-many")
    ada.say({ type: "ping", id: 1 })
    assert.equal((await ada.next()).type, "pong")
    ada.socket.close()
    await once(ada.socket, "close")
    const next = await open(t, url)
    next.say({ type: "ping", id: 2 })
    assert.equal((await next.next()).type, "pong")
  })

  test("who reads nothing over HTTP is gone when told to go, and no ghost of theirs counts", async t => {
    const { url, running } = await server(t, limited({ signalingPerAddress: 2 }))
    const ada = await open(t, url)
    ada.say(await joining(url, "Ada"))
    await ada.next()
    const stuck = connect(running.httpPort, "127.0.0.1")
    t.after(() => stuck.destroy())
    stuck.write("GET /signal/stream HTTP/1.1\r\nhost: x\r\n\r\n")
    let head = ""
    while (!head.includes('"connection":')) head += String((await once(stuck, "data"))[0])
    stuck.pause()
    const connection = /"connection":"([^"]+)"/.exec(head)![1]!
    const headers = { "tightbeam-connection": connection }
    const body = JSON.stringify(await joining(url, "Ben"))
    assert.equal((await fetch(`${url}/signal/send`, { method: "POST", headers, body })).status, 204)
    const joined = await ada.next()
    assert.ok(joined.type === "participant")
    const to = joined.participant.id
    // More than the system keeps for somebody, less than the server does.
    for (let i = 0; i < 250; i++)
      ada.say({
        type: "signal",
        to,
        generation: 0,
        signal: { description: { type: "offer", sdp: "x".repeat(20_000) }, tracks: {} },
      })
    ada.say({ type: "kick", participant: to })
    for (;;) {
      const next = await open(t, url)
      next.say({ type: "ping", id: 1 })
      if ((await next.next()).type === "pong") break
      await once(next.socket, "close")
    }
  })

  test("what is too much closes a WebSocket with a code of its own", async t => {
    const { url } = await server(t, limited({ joinsPerSecond: 1, joinBurst: 1 }))
    const first = await open(t, url)
    first.say({ type: "ping", id: 1 })
    await first.next()
    const second = await open(t, url)
    second.say({ type: "ping", id: 1 })
    const [status, reason] = (await once(second.socket, "close")) as [number, Buffer]
    assert.deepEqual([status, reason.toString()], [4029, "too-many"])
  })

  test("messages of one client and their size are as the configuration says", async t => {
    const { url } = await server(
      t,
      limited({ messageSize: 4096, clientMessagesPerSecond: 1, clientMessageBurst: 2 }),
    )
    const large = await open(t, url)
    large.socket.send("x".repeat(4097))
    const refusal = await large.next()
    assert.ok(refusal.type === "error" && refusal.code === "too-large" && /4096/.test(refusal.message))
    const much = await open(t, url)
    for (let i = 0; i < 3; i++) much.say({ type: "ping", id: i })
    const [status] = (await once(much.socket, "close")) as [number]
    assert.equal(status, 4029)
    const post = await fetch(`${url}/signal/stream`)
    const reader = post.body!.getReader()
    const { connection } = JSON.parse(Buffer.from((await reader.read()).value).toString()) as {
      connection: string
    }
    const headers = { "tightbeam-connection": connection }
    const body = "x".repeat(4 * 4096 + 1)
    assert.equal((await fetch(`${url}/signal/send`, { method: "POST", headers, body })).status, 413)
    await reader.cancel()
  })

  test("tokens and all else over HTTP: 429 and when to come again", async t => {
    const { url } = await server(t, limited({ requestsPerSecond: 1, requestBurst: 2 }))
    const answers = []
    for (let i = 0; i < 3; i++)
      answers.push(await fetch(`${url}/api/rooms/standup/token`, { method: "POST" }))
    assert.deepEqual(
      answers.map(({ status, headers }) => [status, headers.get("retry-after")]),
      [
        [200, null],
        [200, null],
        [429, "1"],
      ],
    )
    await Promise.all(answers.map(each => each.text()))
  })

  test("by default an office of a hundred comes back at once, and all have much to say", async t => {
    const { url } = await server(t)
    const secret = new TextEncoder().encode(SECRET)
    const enter = async (room: string, message: (token: string) => ClientMessage) => {
      const token = await issueToken({ room, ttl: 60 }, secret)
      const each = await open(t, url)
      each.say(message(token))
      const answer = await each.next()
      for (let i = 0; i < 100; i++) each.say({ type: "ping", id: i })
      while (!each.received.some(pong => pong.type === "pong" && pong.id === 99)) await each.next()
      return { ...each, answer, room }
    }
    const office = Array.from({ length: 100 }, (_, i) => `room-${i >> 2}`)
    const people = await Promise.all(
      office.map(room => enter(room, token => ({ type: "join", version: 1, room, token, name: "Ada" }))),
    )
    for (const { socket } of people) socket.terminate()
    const back = await Promise.all(
      people.map(({ room, answer }) => {
        assert.ok(answer.type === "joined")
        const { session } = answer
        return enter(room, () => ({ type: "rejoin", version: 1, room, session, received: 0 }))
      }),
    )
    for (const { answer } of back) assert.equal(answer.type, "resumed")
  })

  test("by configuration one address may have very many clients", async t => {
    const many = 700
    const { url } = await server(
      t,
      limited({
        connectionsPerAddress: 2 * many,
        connectBurst: 2 * many,
        signalingPerAddress: many,
        requestBurst: 2 * many,
        joinBurst: many,
      }),
    )
    const token = () => issueToken({ room: "standup", ttl: 60 }, new TextEncoder().encode(SECRET))
    let heard = 0
    for (let i = 0; i < many; i += 100)
      await Promise.all(
        Array.from({ length: 100 }, async (_, j) => {
          const each = await open(t, url)
          each.say({ type: "join", version: 1, room: `r${(i + j) % 50}`, token: await token(), name: "Load" })
          const answer = await each.next()
          // A token is for its room: being told so is as far as this has to get.
          if (answer.type === "error" && answer.code === "token-foreign") heard++
        }),
      )
    assert.equal(heard, many)
  })
})

describe("Sending somebody out", () => {
  const secret = new TextEncoder().encode(SECRET)

  /** Somebody in the room, with an allocation on its relay. */
  async function member(t: TestContext, { running, url }: Awaited<ReturnType<typeof server>>, host = false) {
    const token = await issueToken({ room: "standup", ttl: 60, grants: { host } }, secret)
    const it = await open(t, url)
    it.say({ type: "join", version: 1, room: "standup", token, name: "Somebody" })
    const joined = await it.next()
    assert.ok(joined.type === "joined")
    const { username, credential } = joined.iceServers.at(-1)!
    const turn = async () => {
      const client = await RelayClient.udp(running.turnPort!, username!, credential!)
      t.after(() => client.stop())
      return client
    }
    const client = await turn()
    await client.allocate()
    return { ...it, joined, token, turn, client }
  }

  test("ends their token, session and relay at once, over WebSocket and HTTP; the others go on", async t => {
    const at = await server(t, { access: { mode: "token", secret: SECRET } })
    const ada = await member(t, at, true)
    const ben = await member(t, at)
    const cyd = await member(t, at)
    assert.equal((await at.running.counters()).relay!.turn.allocations, 3)
    const told = once(ben.socket, "close")
    ada.say({ type: "kick", participant: ben.joined.self.id })
    const [status, reason] = (await told) as [number, Buffer]
    assert.deepEqual([status, reason.toString()], [4000, "kicked"])
    assert.equal((await at.running.counters()).relay!.turn.allocations, 2)
    assert.equal(await ben.client.permit("198.51.100.1"), 401)
    assert.equal(await (await ben.turn()).allocate(), 0)

    const rejoin = {
      type: "rejoin",
      version: 1,
      room: "standup",
      session: ben.joined.session,
      received: 0,
    } as const
    const join = { type: "join", version: 1, room: "standup", token: ben.token, name: "Ben" } as const
    for (const [message, code] of [
      [rejoin, "kicked"],
      [join, "token-used"],
    ] as const) {
      const again = await open(t, at.url)
      again.say(message)
      const refusal = await again.next()
      assert.ok(refusal.type === "error" && refusal.code === code && refusal.fatal, JSON.stringify(refusal))
      const plain = overHttp(t, at.url)
      await plain.opened
      plain.say(message)
      assert.equal((await plain.next("error")).code, code)
    }

    for (const { client } of [ada, cyd]) assert.equal(await client.permit("8.8.8.8"), 0)
    cyd.say({ type: "rename", name: "Still here" })
    while (!ada.received.some(each => each.type === "participant" && each.change === "updated"))
      await once(ada.socket, "message")
  })

  test("who leaves relays nothing any more either, nor who was waited for in vain", async t => {
    const at = await server(t, { rooms: { grace: 1 } })
    const ada = await member(t, at)
    const ben = await member(t, at)
    const cyd = await member(t, at)
    ben.say({ type: "leave" })
    await once(ben.socket, "close")
    // The relay's thread answers in order: what it was told before it has done.
    assert.equal((await at.running.counters()).relay!.turn.allocations, 2)
    assert.equal(await ben.client.permit("198.51.100.1"), 401)
    cyd.socket.terminate()
    const left = () => ada.received.filter(each => each.type === "participant" && each.change === "left")
    while (left().length < 2) await once(ada.socket, "message")
    assert.equal((await at.running.counters()).relay!.turn.allocations, 1)
    assert.equal(await ada.client.permit("8.8.8.8"), 0)
  })
})
