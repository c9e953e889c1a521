import assert from "node:assert/strict"
import { type ChildProcess, spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { createSocket } from "node:dgram"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { get as getHttp, type IncomingMessage } from "node:http"
import { connect, createServer, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, type TestContext, test } from "node:test"
import { parseConfig } from "../config/schema.ts"
import { createLog } from "../log/index.ts"
import { type RelayCost, totalOf } from "../relay/index.ts"
import { TurnClient } from "../relay/testing/turn-client.ts"
import type { App } from "../service.ts"
import { type Running, start } from "../start.ts"
import { parseMetrics } from "./testing/parse-metrics.ts"

const root = mkdtempSync(join(tmpdir(), "tightbeam-admin-"))
after(() => rmSync(root, { recursive: true }))

interface Process {
  readonly running: Running
  readonly logged: readonly string[]
  readonly iceServers: App["iceServers"]
}

async function run(t: TestContext, settings: { metrics?: object; turn?: object } = {}): Promise<Process> {
  const logged: string[] = []
  let iceServers: App["iceServers"] | undefined
  const config = parseConfig({
    http: { address: "127.0.0.1", port: 0 },
    turn: { address: "127.0.0.1", port: 0, allowPeers: ["127.0.0.0/8"], ...settings.turn },
    metrics: { enabled: true, port: 0, ...settings.metrics },
    data: join(root, "data"),
  })
  const running = await start(config, {
    log: createLog({ level: "warn", form: "json", write: line => logged.push(line) }),
    services: [
      { name: "ask", start: app => (iceServers = app.iceServers), drain: async () => {}, close() {} },
    ],
  })
  t.after(() => running.close())
  return { running, logged, iceServers: iceServers! }
}

const ask = (running: Running, path: string): Promise<Response> =>
  fetch(`http://127.0.0.1:${running.metricsPort}${path}`, { headers: { connection: "close" } })
const costOf = async (running: Running): Promise<RelayCost> =>
  (await (await ask(running, "/relay/cost")).json()) as RelayCost
const metricsOf = async (running: Running): Promise<Map<string, number>> =>
  parseMetrics(await (await ask(running, "/metrics")).text())

async function overUdp(t: TestContext, process: Process, room: string, who: string): Promise<TurnClient> {
  const { username = "", credential = "" } = process.iceServers(room, who).iceServers[1]!
  const client = await TurnClient.open(process.running.turnPort!, username, credential)
  t.after(() => client.socket.close())
  return client
}

async function overTcp(
  t: TestContext,
  process: Process,
  room: string,
  who: string,
): Promise<TurnClient<Socket>> {
  const { username = "", credential = "" } = process.iceServers(room, who).iceServers[1]!
  const socket = connect(process.running.httpPort, "127.0.0.1")
  t.after(() => socket.destroy())
  await once(socket, "connect")
  return TurnClient.over(socket, username, credential)
}

/** A peer that sends everything back. Resolves with its port. */
async function echo(t: TestContext): Promise<number> {
  const socket = createSocket("udp4", (bytes, from) => socket.send(bytes, from.port, from.address))
  t.after(() => socket.close())
  socket.bind(0, "127.0.0.1")
  await once(socket, "listening")
  return socket.address().port
}

/** Relays so many packets to the peer and back. */
async function relay(
  client: TurnClient<unknown>,
  peer: number,
  packets: number,
  bytes: number,
): Promise<void> {
  await client.allocate()
  assert.equal(await client.permit("127.0.0.1", peer, 0x4000), 0)
  for (let i = 0; i < packets; i++) {
    client.sendOn(0x4000, new Uint8Array(bytes))
    await client.receive()
  }
}

test("the view says what two rooms cost over UDP and TCP, and the metrics agree", async t => {
  const process = await run(t)
  const { running } = process
  const peer = await echo(t)
  const ada = await overUdp(t, process, "blue", "ada")
  await relay(ada, peer, 3, 100)
  await relay(await overTcp(t, process, "red", "ben"), peer, 2, 1_000)

  const expected = (live: { ada: number; ben: number }) => [
    {
      room: "red",
      participant: "ben",
      over: { tcp: { allocations: 1, live: live.ben, packetsToPeers: 2, bytesToPeers: 2_000 } },
    },
    {
      room: "blue",
      participant: "ada",
      over: { udp: { allocations: 1, live: live.ada, packetsToPeers: 3, bytesToPeers: 300 } },
    },
  ]
  const seen = async (): Promise<unknown> =>
    (await costOf(running)).rooms.flatMap(({ room, participants }) =>
      participants.map(({ participant, over }) => ({
        room,
        participant,
        over: Object.fromEntries(
          Object.entries(over).map(
            ([
              transport,
              { seconds, packetsToClients, bytesToClients, packetsJoined, bytesJoined, ...toPeers },
            ]) => {
              assert.ok(seconds > 0)
              // The echo is no client of ours.
              assert.deepEqual([packetsJoined, bytesJoined], [0, 0])
              // Everything came back.
              assert.equal(packetsToClients, toPeers.packetsToPeers)
              assert.equal(bytesToClients, toPeers.bytesToPeers)
              return [transport, toPeers]
            },
          ),
        ),
      })),
    )
  const agree = async (liveUdp: number): Promise<void> => {
    const metrics = await metricsOf(running)
    for (const [series, value] of Object.entries({
      'allocations{transport="udp"}': liveUdp,
      'allocations{transport="tcp"}': 1,
      'allocations{transport="tls"}': 0,
      'allocations_total{transport="udp"}': 1,
      'bytes_total{transport="udp",direction="to-peers"}': 300,
      'bytes_total{transport="udp",direction="to-clients"}': 300,
      'bytes_total{transport="tcp",direction="to-peers"}': 2_000,
      'packets_total{transport="tcp",direction="to-clients"}': 2,
      'packets_total{transport="tls",direction="to-clients"}': 0,
      'errors_total{code="401"}': 2,
    }))
      assert.equal(metrics.get(`tightbeam_relay_${series}`), value, series)
    assert.equal(
      metrics.get('tightbeam_relay_allocations_freed_total{reason="refresh-zero"}') ?? 0,
      1 - liveUdp,
    )
  }
  assert.deepEqual(await seen(), expected({ ada: 1, ben: 1 }))
  await agree(1)
  await ada.refresh(0)
  assert.deepEqual(await seen(), expected({ ada: 0, ben: 1 }))
  await agree(0)
})

test("what two clients of one relay say to each other is counted as joined, of whoever said it", async t => {
  const process = await run(t)
  const { running } = process
  const [ada, ben] = [await overUdp(t, process, "blue", "ada"), await overUdp(t, process, "blue", "ben")]
  const [at, to] = [await ada.allocate(), await ben.allocate()]
  assert.equal(await ada.permit("127.0.0.1", to, 0x4000), 0)
  assert.equal(await ben.permit("127.0.0.1", at, 0x4000), 0)
  for (let i = 0; i < 3; i++) {
    ada.sendOn(0x4000, new Uint8Array(50))
    await ben.receive()
  }
  const [{ total, participants } = assert.fail()] = (await costOf(running)).rooms
  const { udp } = total
  assert.deepEqual([udp?.packetsJoined, udp?.bytesJoined], [3, 150])
  assert.deepEqual([udp?.bytesToPeers, udp?.bytesToClients], [150, 150])
  assert.deepEqual(
    new Map(participants.map(({ participant, over }) => [participant, totalOf(over).bytesJoined])),
    new Map([
      ["ada", 150],
      ["ben", 0],
    ]),
  )
  const metrics = await metricsOf(running)
  assert.equal(metrics.get('tightbeam_relay_joined_bytes_total{transport="udp"}'), 150)
  assert.equal(metrics.get('tightbeam_relay_joined_packets_total{transport="udp"}'), 3)
  assert.equal(metrics.get('tightbeam_relay_joined_packets_total{transport="tcp"}'), 0)
})

test("whatever users are called, the metrics have the same series, and the table of the view is harmless", async t => {
  const process = await run(t)
  const { running } = process
  const room = '\u001b[31mro"om\n%s\\'
  const client = await overUdp(t, process, room, "first")
  await client.allocate()
  await client.refresh(0)
  const before = [...(await metricsOf(running)).keys()]
  for (let i = 0; i < 200; i++) {
    const stranger = await overUdp(t, process, room, `${randomBytes(6).toString("latin1")}\n"%${i}`)
    assert.ok((await stranger.allocate()) > 0)
    await stranger.refresh(0)
  }
  assert.deepEqual([...(await metricsOf(running)).keys()], before)
  const { rooms, total } = await costOf(running)
  assert.deepEqual([rooms.length, rooms[0]!.room, total.udp!.allocations], [1, room, 201])

  const { code, out } = await tightbeam(t, ["relay", "cost", "--metrics.port", String(running.metricsPort)])
  assert.equal(code, 0)
  assert.match(out, /\n\\u\{1b\}\[31mro"om\\u\{a\}%s\\ +udp +0 B +0 B +0 /)
  // oxlint-disable-next-line no-control-regex -- they are what this is about
  assert.doesNotMatch(out, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
  const json = await tightbeam(t, ["relay", "cost", "--json", "--metrics.port", String(running.metricsPort)])
  assert.equal((JSON.parse(json.out) as RelayCost).rooms[0]!.room, room)
})

test("the metrics are on their own port alone, and no peer of the relay", async t => {
  const process = await run(t)
  const { httpPort, metricsPort } = process.running
  for (const path of ["/metrics", "/relay/cost"])
    assert.equal((await fetch(`http://127.0.0.1:${httpPort}${path}`)).status, 404)
  assert.equal((await ask(process.running, "/healthz")).status, 404)
  const client = await overUdp(t, process, "blue", "ada")
  await client.allocate()
  assert.equal(await client.permit("127.0.0.1", metricsPort!, 0x4000), 403)
  assert.equal((await client.permit("::ffff:127.0.0.1", metricsPort!, 0x4000)) >= 400, true)
  assert.equal(await client.permit("127.0.0.1", await echo(t), 0x4000), 0)
})

test("on loopback it answers this machine's names only, lest a page read it by a name of its own", async t => {
  const { running } = await run(t)
  const status = async (host: string): Promise<number> => {
    const request = getHttp({
      port: running.metricsPort,
      host: "127.0.0.1",
      path: "/relay/cost",
      headers: { host },
    })
    const [response] = (await once(request, "response")) as [IncomingMessage]
    response.resume()
    return response.statusCode!
  }
  const port = String(running.metricsPort)
  for (const host of ["localhost", `localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`])
    assert.equal(await status(host), 200, host)
  for (const host of ["evil.example", `127.0.0.1.evil.example:${port}`, "192.0.2.1"])
    assert.equal(await status(host), 400, host)
})

test("it is off by default, serves what there is without TURN, and warns where others reach it", async t => {
  const off = await run(t, { metrics: { enabled: false } })
  assert.equal(off.running.metricsPort, undefined)
  const idle = await run(t, { turn: { enabled: false } })
  assert.equal((await ask(idle.running, "/metrics")).status, 200)
  const answer = await ask(idle.running, "/relay/cost")
  assert.equal(answer.status, 503)
  assert.match(await answer.text(), /no-relay/)
  assert.deepEqual(idle.logged, [])
  const open = await run(t, { metrics: { address: "0.0.0.0" } })
  assert.match(open.logged.join("\n"), /can read the names of rooms/)
})

test("a port that is taken is named; a command that finds nobody says what to do", async t => {
  const other = createServer(socket => socket.end("hello\n")).listen(0, "127.0.0.1")
  t.after(() => other.close())
  await once(other, "listening")
  const { port } = other.address() as { port: number }
  await assert.rejects(run(t, { metrics: { port } }), {
    name: "StartError",
    message: `TCP port ${port} is in use by another process.`,
  })
  const asked = await tightbeam(t, ["relay", "cost", "--metrics.port", String(port)])
  assert.deepEqual([asked.code, asked.out], [1, ""])
  assert.match(
    asked.error,
    new RegExp(`^No Tightbeam answers at http://127.0.0.1:${port}/relay/cost\\n.*--metrics.enabled`),
  )
  const half = await tightbeam(t, ["relay"])
  assert.deepEqual(
    [half.code, half.error],
    [2, '"relay" is not a command. Did you mean relay cost? See: tightbeam help\n'],
  )
})

async function tightbeam(
  t: TestContext,
  args: readonly string[],
): Promise<{ code: number; out: string; error: string }> {
  const main = join(import.meta.dirname, "../cli/main.ts")
  const child: ChildProcess = spawn(process.execPath, ["--conditions=@tightbeam/source", main, ...args], {
    cwd: root,
    env: { PATH: process.env.PATH },
    stdio: ["ignore", "pipe", "pipe"],
  })
  t.after(() => child.kill("SIGKILL"))
  const output = Promise.all([child.stdout!.toArray(), child.stderr!.toArray()])
  const [code] = (await once(child, "close")) as [number]
  const [out, error] = (await output).map(chunks => Buffer.concat(chunks as Buffer[]).toString())
  return { code, out: out!, error: error! }
}
