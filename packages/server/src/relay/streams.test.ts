import assert from "node:assert/strict"
import { once } from "node:events"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { connect, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, describe, type TestContext, test } from "node:test"
import { connect as connectTls } from "node:tls"
import type { IceServer } from "@tightbeam/client"
import type { Evidence } from "@tightbeam/webrtc/contract"
import { parseConfig } from "../config/schema.ts"
import { createLog } from "../log/index.ts"
import type { Service } from "../service.ts"
import { type Running, start } from "../start.ts"
import { selfSigned } from "../tls/self-signed.ts"
import { RelayClient } from "./testing/relay-client.ts"

const root = mkdtempSync(join(tmpdir(), "tightbeam-streams-"))
after(() => rmSync(root, { recursive: true }))

const { cert, key } = selfSigned(["*.call.example", "turn.call.example", "127.0.0.1"], new Date(), 2)
writeFileSync(join(root, "cert.pem"), cert)
writeFileSync(join(root, "key.pem"), key)
// As if another had signed it.
const foreign = Buffer.from(cert.replace(/-.*-|\n/g, ""), "base64")
foreign[foreign.length - 1]! ^= 1
writeFileSync(
  join(root, "foreign.pem"),
  `-----BEGIN CERTIFICATE-----\n${foreign.toString("base64")}\n-----END CERTIFICATE-----\n`,
)
const ownFiles = { mode: "files", cert: join(root, "cert.pem"), key: join(root, "key.pem") }
const files = { mode: "files", cert: join(root, "foreign.pem"), key: join(root, "key.pem") }

interface Process {
  readonly running: Running
  readonly evidence: readonly Evidence[]
  iceServers(participant?: string): readonly IceServer[]
}

async function run(
  t: TestContext,
  settings: { turn?: object; tls?: object; http?: object } = {},
): Promise<Process> {
  const log = createLog({ level: "error", form: "json", write: () => {} })
  const evidence: Evidence[] = []
  let iceServers: Process["iceServers"] | undefined
  const service: Service = {
    name: "ask",
    start: app => (iceServers = (participant = "p1") => app.iceServers("blue", participant).iceServers),
    drain: async () => {},
    close: () => {},
  }
  const config = parseConfig({
    http: { address: "127.0.0.1", port: 0, ...settings.http },
    turn: { address: "127.0.0.1", port: 0, allowPeers: ["127.0.0.0/8"], ...settings.turn },
    tls: settings.tls ?? {},
    data: join(root, "data"),
  })
  const running = await start(config, { log, services: [service], onEvidence: each => evidence.push(each) })
  t.after(() => running.close())
  return { running, evidence, iceServers: iceServers! }
}

async function dial(t: TestContext, { running }: Process, transport: "tcp" | "tls"): Promise<Socket> {
  const to = { host: "127.0.0.1", port: running.httpPort }
  const socket = transport === "tcp" ? connect(to) : connectTls({ ...to, rejectUnauthorized: false })
  t.after(() => socket.destroy())
  await once(socket, transport === "tcp" ? "connect" : "secureConnect")
  return socket
}

async function client(
  t: TestContext,
  process: Process,
  transport: "tcp" | "tls",
  participant = "p1",
): Promise<RelayClient> {
  const { username = "", credential = "" } = process.iceServers(participant)[1]!
  const connection = await dial(t, process, transport)
  const client = RelayClient.over(connection, transport, username, credential)
  t.after(() => client.stop())
  return client
}

const until = async (holds: () => Promise<boolean>): Promise<void> => {
  while (!(await holds())) await new Promise(setImmediate)
}

const closed = (socket: Socket): Promise<unknown> => {
  socket.on("error", () => {})
  return new Promise(resolve => socket.resume().once("close", resolve))
}

/** The header of a Binding request that says it has so many bytes besides. */
function stun(length: number): Buffer {
  const header = Buffer.alloc(20)
  header.writeUInt16BE(0x0001, 0)
  header.writeUInt16BE(length, 2)
  header.writeUInt32BE(0x2112a442, 4)
  return header
}

for (const [here, there] of [
  ["tcp", "tls"],
  ["tls", "tcp"],
] as const)
  test(`a client over ${here} talks to one over ${there}, on the port of HTTP`, async t => {
    const process = await run(t)
    const ada = await client(t, process, here)
    const ben = await client(t, process, there, "p2")
    const [adasPort, bensPort] = [await ada.allocate(), await ben.allocate()]
    assert.equal(await ada.bind("127.0.0.1", bensPort), 0)
    assert.equal(await ben.bind("127.0.0.1", adasPort), 0)
    for (const said of ["hi", "hello", "x".repeat(60_000)]) {
      assert.ok(ada.send("127.0.0.1", bensPort, said))
      assert.deepEqual(await ben.receive(), { from: `127.0.0.1:${adasPort}`, text: said })
    }
    const { turn, streams } = (await process.running.counters()).relay!
    assert.deepEqual(turn.allocationsOver, { udp: 0, tcp: 1, tls: 1 })
    assert.equal(streams.open, 2)
    const kinds = process.evidence.flatMap(each => (each.kind === "allocated" ? [each.transport] : []))
    assert.deepEqual(kinds, [here, there])
    // HTTP is still there.
    const answer = await fetch(`http://127.0.0.1:${process.running.httpPort}/healthz`)
    assert.equal(answer.status, 200)
  })

test("an allocation ends with its connection", async t => {
  const process = await run(t)
  const relay = async () => (await process.running.counters()).relay!
  for (const transport of ["tcp", "tls"] as const) {
    const ada = await client(t, process, transport)
    await ada.allocate()
    await ada.stop()
    await until(async () => (await relay()).turn.allocations === 0)
    assert.equal((await relay()).streams.open, 0)
  }
  const reasons = process.evidence.flatMap(each => (each.kind === "freed" ? [each.reason] : []))
  assert.deepEqual(reasons, ["connection-closed", "connection-closed"])
})

test("a length that lies, garbage after STUN and a frame that no request is end the connection, over TLS too", async t => {
  const process = await run(t)
  const bad = [
    stun(0xfffc),
    stun(3),
    Buffer.concat([stun(0), Buffer.from([0xff])]),
    Buffer.concat([stun(0), stun(8)]),
  ]
  for (const transport of ["tcp", "tls"] as const)
    for (const [i, bytes] of bad.entries()) {
      const socket = await dial(t, process, transport)
      socket.write(bytes)
      // The last only promises more than it brings: it waits, and is closed as idle.
      if (i < 3) await closed(socket)
    }
  const streamsNow = async () => (await process.running.counters()).relay!.streams
  await until(async () => (await streamsNow()).accepted === 8)
  const streams = await streamsNow()
  assert.deepEqual([streams.garbled, streams.open], [6, 2])
  assert.equal((await process.running.counters()).relay!.turn.allocations, 0)
})

test("how long a stranger's connection lives, and what it may say, is as the configuration says", async t => {
  const process = await run(t, { turn: { streams: { idle: 1, strangersFrame: 128 } } })
  const long = await dial(t, process, "tcp")
  long.write(stun(112))
  await closed(long)
  const silent = await dial(t, process, "tcp")
  silent.write(stun(8))
  await closed(silent)
  const { streams } = (await process.running.counters()).relay!
  assert.deepEqual([streams.garbled, streams.idle], [1, 1])
})

test("the quota of a user holds over all transports", async t => {
  const process = await run(t, { turn: { quotas: { allocationsPerUser: 2 } } })
  for (const transport of ["tcp", "tls"] as const) await (await client(t, process, transport)).allocate()
  await (await client(t, process, "tcp")).allocate()
  const { turn } = (await process.running.counters()).relay!
  assert.deepEqual([turn.allocations, turn.errors[486]], [2, 1])
})

describe("what clients are told", () => {
  const urls = (process: Process): string[] =>
    process
      .iceServers()
      .flatMap(each => each.urls)
      .map(url =>
        url
          .replace(String(process.running.httpPort), "HTTP")
          .replace(String(process.running.turnPort), "TURN"),
      )
  const udp = ["stun:127.0.0.1:TURN", "turn:127.0.0.1:TURN?transport=udp"]
  const tcp = "turn:127.0.0.1:HTTP?transport=tcp"

  test("TCP always, TLS with a certificate of one's own", async t => {
    assert.deepEqual(urls(await run(t)), [...udp, tcp])
    assert.deepEqual(urls(await run(t, { tls: { mode: "off" } })), [...udp, tcp])
    const byName = "turns:turn.call.example:HTTP?transport=tcp"
    assert.deepEqual(urls(await run(t, { tls: files })), [...udp, tcp, byName])
    assert.deepEqual(
      urls(await run(t, { tls: ownFiles })),
      [...udp, tcp],
      "browsers accept no self-signed one",
    )
  })

  test("TLS as the operator wants it", async t => {
    assert.deepEqual(urls(await run(t, { tls: files, turn: { offerTls: "never" } })), [...udp, tcp])
    const always = { offerTls: "always", tlsHost: "127.0.0.1" }
    assert.deepEqual(urls(await run(t, { turn: always })), [
      ...udp,
      tcp,
      "turns:127.0.0.1:HTTP?transport=tcp",
    ])
    const wild = { tlsHost: "a.call.example" }
    assert.equal(urls(await run(t, { tls: files, turn: wild }))[3], "turns:a.call.example:HTTP?transport=tcp")
    await assert.rejects(run(t, { tls: files, turn: { tlsHost: "other.example" } }), {
      name: "CertificateError",
      message:
        "turn.tlsHost: other.example is not in the certificate, which is for DNS:*.call.example, DNS:turn.call.example, IP Address:127.0.0.1",
    })
  })

  test("no TCP where only a proxy on this machine can reach it", async t => {
    const announced = { announce: "203.0.113.5" }
    const told = urls(await run(t, { turn: announced }))
    assert.deepEqual(told, ["stun:203.0.113.5:TURN", "turn:203.0.113.5:TURN?transport=udp"])
  })
})
