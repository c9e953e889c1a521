import assert from "node:assert/strict"
import { createSocket } from "node:dgram"
import { once } from "node:events"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, type TestContext, test } from "node:test"
import type { IceServer } from "@tightbeam/client"
import type { Evidence } from "@tightbeam/webrtc/contract"
import { parseConfig } from "../config/schema.ts"
import { createLog } from "../log/index.ts"
import type { Service } from "../service.ts"
import { start } from "../start.ts"
import { selfSigned } from "../tls/self-signed.ts"
import { TurnClient } from "./testing/turn-client.ts"

const root = mkdtempSync(join(tmpdir(), "tightbeam-dtls-"))
after(() => rmSync(root, { recursive: true }))
const { cert, key } = selfSigned(["turn.call.example"], new Date(), 2)
writeFileSync(join(root, "cert.pem"), cert)
writeFileSync(join(root, "key.pem"), key)
const der = Buffer.from(cert.replace(/-.*-|\n/g, ""), "base64")

async function run(t: TestContext, turn: object = {}) {
  const evidence: Evidence[] = []
  let iceServers: (() => readonly IceServer[]) | undefined
  const service: Service = {
    name: "ask",
    start: app => (iceServers = () => app.iceServers("blue", "p1").iceServers),
    drain: async () => {},
    close: () => {},
  }
  const config = parseConfig({
    http: { address: "127.0.0.1", port: 0 },
    turn: { address: "127.0.0.1", port: 0, allowPeers: ["127.0.0.0/8"], dtls: true, ...turn },
    tls: { mode: "files", cert: join(root, "cert.pem"), key: join(root, "key.pem") },
    data: join(root, "data"),
  })
  const log = createLog({ level: "error", form: "json", write: line => assert.fail(line) })
  const running = await start(config, { log, services: [service], onEvidence: each => evidence.push(each) })
  t.after(() => running.close())
  const { username = "", credential = "" } = iceServers!()[1]!
  return { port: running.turnPort!, username, credential, evidence }
}

async function connected(t: TestContext, process: Awaited<ReturnType<typeof run>>): Promise<TurnClient> {
  const { port, username, credential } = process
  const client = await TurnClient.overDtls(port, der, username, credential)
  t.after(() => client.socket.close())
  return client
}

test("a client over DTLS relays, on the port of those without it", async t => {
  const process = await run(t)
  const secured = await connected(t, process)
  const plain = await TurnClient.open(process.port, process.username, process.credential)
  t.after(() => plain.socket.close())
  const relayed = await secured.allocate()
  assert.ok(relayed > 0)
  assert.ok((await plain.allocate()) > 0)
  const peer = createSocket("udp4").bind(0, "127.0.0.1")
  t.after(() => peer.close())
  await once(peer, "listening")
  assert.equal(await secured.permit("127.0.0.1", peer.address().port, 0x4001), 0)
  peer.send("to the client", relayed, "127.0.0.1")
  const data = Buffer.from(await secured.receive())
  assert.deepEqual(
    [data.readUInt16BE(0), data.subarray(4, 4 + data.readUInt16BE(2)).toString()],
    [0x4001, "to the client"],
  )
  secured.sendOn(0x4001, Buffer.from("to peer"))
  const [heard] = (await once(peer, "message")) as [Buffer]
  assert.equal(heard.toString(), "to peer")
})

test("what comes in the clear on the path of a secured client is nobody's", async t => {
  const process = await run(t, { workers: 0 })
  const secured = await connected(t, process)
  await secured.allocate()
  // A Binding request, in the clear, and then a Refresh, secured: only one of them is answered.
  const header = Buffer.alloc(20)
  header.writeUInt16BE(0x0001, 0)
  header.writeUInt32BE(0x2112a442, 4)
  secured.socket.send(header, process.port, "127.0.0.1")
  assert.ok((await secured.refresh(600)) > 0)
  assert.equal(
    process.evidence.filter(({ layer, kind }) => layer === "turn" && kind === "allocated").length,
    1,
  )
})

test("where it is off, DTLS is noise", async t => {
  const { port } = await run(t, { dtls: false })
  const socket = createSocket("udp4").bind(0, "127.0.0.1")
  t.after(() => socket.close())
  await once(socket, "listening")
  const record = Buffer.concat([Buffer.of(22, 0xfe, 0xfd, ...new Uint8Array(8), 0, 100), Buffer.alloc(100)])
  socket.send(record, port, "127.0.0.1")
  const binding = Buffer.alloc(20)
  binding.writeUInt16BE(0x0001, 0)
  binding.writeUInt32BE(0x2112a442, 4)
  socket.send(binding, port, "127.0.0.1")
  const [answer] = (await once(socket, "message")) as [Buffer]
  assert.equal(answer.readUInt16BE(0), 0x0101)
})
