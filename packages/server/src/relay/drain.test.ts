import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import { createSocket, type Socket } from "node:dgram"
import { once } from "node:events"
import { test } from "node:test"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import { chooseIo } from "@tightbeam/webrtc/net"
import {
  Attribute,
  MessageClass,
  Method,
  readErrorCode,
  StunMessage,
  StunWriter,
  TRANSPORT_UDP,
} from "@tightbeam/webrtc/stun"
import { timeLimitedCredentials } from "@tightbeam/webrtc/turn"
import { parseConfig } from "../config/schema.ts"
import { createLog } from "../log/index.ts"
import { type IceServers, Relay } from "./relay.ts"
import { Shard } from "./shard.ts"

const parse = (drainTo: object) => parseConfig({ turn: { address: "127.0.0.1", port: 0, drainTo } }).turn

let requests = 0

/** Sends a request of what `fill` writes, and resolves with its answer. */
async function exchange(socket: Socket, port: number, fill: (writer: StunWriter) => void) {
  const bytes = new Uint8Array(500)
  const writer = new StunWriter()
  const id = new Uint8Array(12).fill(++requests)
  writer.begin(bytes, 0, bytes.length, MessageClass.request, Method.allocate, id)
  writer.requestedTransport(TRANSPORT_UDP)
  fill(writer)
  socket.send(bytes.subarray(0, writer.end()), port, "127.0.0.1")
  const [answer] = (await once(socket, "message")) as [Buffer]
  const message = new StunMessage()
  assert.equal(message.parse(answer, 0, answer.length), undefined)
  return message
}

async function allocate(socket: Socket, port: number, server: IceServers["iceServers"][number]) {
  const challenge = await exchange(socket, port, () => {})
  const [realm, nonce] = [challenge.value(Attribute.realm)!, challenge.value(Attribute.nonce)!]
  const { username = "", credential = "" } = server
  const key = createHash("md5")
    .update(`${username}:${Buffer.from(realm).toString()}:${credential}`)
    .digest()
  return exchange(socket, port, writer => {
    writer.text(Attribute.username, username)
    writer.attribute(Attribute.realm, realm)
    writer.attribute(Attribute.nonce, nonce)
    writer.messageIntegrity(nodeCrypto.hmac("sha1", key))
  })
}

test("while it drains, who comes is sent to turn.drainTo", async t => {
  const relay = await Relay.start({
    native: "auto",
    turn: parse({
      udp: ["[2001:db8::7]:3479", "192.0.2.7:3478"],
      tls: ["192.0.2.7:443"],
      tlsHost: "b.example",
    }),
    announce: "127.0.0.1",
    secret: new Uint8Array(32),
    listeners: [],
    log: createLog({ level: "error", form: "json", write: line => assert.fail(line) }),
  })
  t.after(() => relay.close())
  const server = relay.iceServers("blue", "p1").iceServers[1]!
  const [early, late] = [createSocket("udp4"), createSocket("udp4")]
  t.after(() => [early, late].forEach(socket => socket.close()))
  const before = await allocate(early, relay.port, server)
  assert.equal(before.class, MessageClass.success)
  void relay.drain()
  const after = await allocate(late, relay.port, server)
  assert.equal(readErrorCode(after)?.code, 300)
  assert.deepEqual([...after.value(Attribute.alternateServer)!], [0, 1, 3478 >> 8, 3478 & 255, 192, 0, 2, 7])
  assert.equal((await relay.counters()).turn.allocations, 1)
})

test("where clients are sent to is an address with a port, one of each family", () => {
  for (const udp of [
    ["192.0.2.7"],
    ["192.0.2.7:0"],
    ["192.0.2.7:65536"],
    ["2001:db8::7:3478"],
    ["[192.0.2.7]:3478"],
    ["turn.example:3478"],
    ["192.0.2.7:3478", "192.0.2.8:3478"],
  ]) {
    assert.throws(() => parse({ udp }), /"drainTo",\s+"udp"/, String(udp))
  }
  assert.deepEqual(parse({ udp: ["[2001:db8::7]:1"] }).drainTo.udp, ["[2001:db8::7]:1"])
})

test("draining does not wait for an allocation that never comes about", async t => {
  const secret = new Uint8Array(32)
  const asked = Promise.withResolvers<() => void>()
  const shard = await Shard.start(
    {
      server: {
        realm: "tightbeam",
        secrets: [secret],
        relayedAddress: { v4: Uint8Array.of(127, 0, 0, 1) },
        relayPorts: { min: 21_000, max: 21_000 },
      },
      listen: { address: "127.0.0.1", port: 0, announce: "127.0.0.1" },
      bindAddresses: {},
      streams: parseConfig({}).turn.streams,
    },
    { event: () => {}, evidence: () => {}, fault: error => assert.fail(error as Error) },
    {
      createIo: (paths, onBatch, options) => {
        const io = chooseIo("off").create(paths, onBatch, options)
        const bind = io.bind.bind(io)
        io.bind = (socket, local, listens, done) => {
          if (listens) return bind(socket, local, listens, done)
          asked.resolve(() => done({ code: "EADDRINUSE", error: new Error("in use") }))
        }
        return io
      },
    },
  )
  t.after(() => shard.close())
  const expiry = Math.floor(Date.now() / 1000) + 60
  const { username, password } = timeLimitedCredentials({
    crypto: nodeCrypto,
    secret,
    room: "blue",
    participant: "p1",
    expiry,
  })
  const client = createSocket("udp4")
  t.after(() => client.close())
  const answer = allocate(client, shard.listen!.port, { urls: [], username, credential: password })
  const refuse = await asked.promise
  let isDrained = false
  shard.drain({ udp: {}, tcp: {}, tls: {} }, () => (isDrained = true))
  refuse()
  assert.equal(readErrorCode(await answer)?.code, 508)
  assert.ok(isDrained)
})
