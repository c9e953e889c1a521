import assert from "node:assert/strict"
import { createSocket, type RemoteInfo } from "node:dgram"
import { once } from "node:events"
import { type TestContext, test } from "node:test"
import { formatIp } from "@tightbeam/webrtc/bytes"
import type { Config } from "../config/index.ts"
import { parseConfig } from "../config/schema.ts"
import { createLog } from "../log/index.ts"
import { announcedAddress, announcedV6 } from "./announced.ts"
import { Relay } from "./relay.ts"
import { RelayClient } from "./testing/relay-client.ts"

const log = createLog({ level: "error", form: "json", write: line => assert.fail(line) })
const turn = (settings: object): Config["turn"] => parseConfig({ turn: settings }).turn

test("STUN is answered with the address that asked, and ICE servers name the announced one", async t => {
  const relay = await Relay.start({
    turn: turn({ address: "127.0.0.1", port: 0 }),
    native: "auto",
    announce: "203.0.113.5",
    secret: new Uint8Array(32).fill(1),
    listeners: [],
    log,
  })
  t.after(() => relay.close())
  const client = createSocket("udp4")
  t.after(() => client.close())
  const request = Buffer.alloc(20)
  request.writeUInt16BE(1, 0)
  request.writeUInt32BE(0x2112a442, 4)
  client.send(request, relay.port, "127.0.0.1")
  const [answer] = (await once(client, "message")) as [Buffer]
  assert.equal(answer.readUInt16BE(0), 0x0101)
  // XOR-MAPPED-ADDRESS is the first attribute: family, port, address.
  assert.equal(answer.readUInt16BE(26) ^ 0x2112, client.address().port)
  assert.equal((answer.readUInt32BE(28) ^ 0x2112a442) >>> 0, 0x7f000001)

  const before = Math.floor(Date.now() / 1000)
  const { iceServers, ttl } = relay.iceServers("blue", "p1")
  assert.equal(ttl, 3_600)
  assert.deepEqual(
    iceServers.map(server => server.urls),
    [[`stun:203.0.113.5:${relay.port}`], [`turn:203.0.113.5:${relay.port}?transport=udp`]],
  )
  const [expiry, room, participant] = iceServers[1]!.username!.split(":")
  assert.ok(Number(expiry) >= before + 3_600 && Number(expiry) <= before + 3_601)
  assert.deepEqual([room, participant], ["blue", "p1"])
  assert.match(iceServers[1]!.credential!, /^[A-Za-z0-9+/]{27}=$/)
  assert.equal((await relay.counters()).turn.bindingRequests, 1)
  assert.equal((await relay.counters()).udp.received, 1)
})

test("clients are told the address that they can reach", () => {
  assert.equal(announcedAddress(turn({ announce: "203.0.113.5" }), "192.168.1.2"), "203.0.113.5")
  assert.equal(announcedAddress(turn({}), "192.168.1.2"), "192.168.1.2")
  assert.equal(announcedAddress(turn({ address: "127.0.0.1" }), "192.168.1.2"), "127.0.0.1")
  // oxlint-disable-next-line unicorn/no-useless-undefined -- no network but loopback
  assert.equal(announcedAddress(turn({}), undefined) !== "", true)
})

async function withClient(
  t: TestContext,
  settings: object,
  httpPort = 1,
): Promise<{ relay: Relay; client: RelayClient }> {
  const relay = await Relay.start({
    turn: turn({ address: "127.0.0.1", port: 0, ...settings }),
    native: "auto",
    announce: "127.0.0.1",
    secret: new Uint8Array(32).fill(1),
    listeners: [{ address: "0.0.0.0", port: httpPort }],
    log,
  })
  t.after(() => relay.close())
  const { username = "", credential = "" } = relay.iceServers("blue", "p1").iceServers[1]!
  const client = await RelayClient.udp(relay.port, username, credential)
  t.after(() => client.stop())
  return { relay, client }
}

test("data goes both ways through real sockets", async t => {
  const { relay, client } = await withClient(t, { allowPeers: ["127.0.0.0/8"] })
  const relayed = await client.allocate()
  const peer = createSocket("udp4")
  t.after(() => peer.close())
  peer.bind(0, "127.0.0.1")
  await once(peer, "listening")
  const { port } = peer.address()
  assert.equal(await client.bind("127.0.0.1", port), 0)

  assert.ok(client.send("127.0.0.1", port, "to the peer!"))
  const [there, from] = (await once(peer, "message")) as [Buffer, RemoteInfo]
  assert.equal(there.toString(), "to the peer!")
  assert.equal(from.port, relayed)

  peer.send("and back", relayed, "127.0.0.1")
  assert.deepEqual(await client.receive(), { from: `127.0.0.1:${port}`, text: "and back" })
  assert.equal((await relay.counters()).turn.packetsToPeers, 1)
  assert.equal((await relay.counters()).turn.packetsToClients, 1)
})

test("what this process listens on is never a peer, whatever is allowed", async t => {
  const { relay, client } = await withClient(t, { allowPeers: ["127.0.0.0/8"] }, 8443)
  await client.allocate()
  assert.equal(await client.bind("127.0.0.1", 8443), 403)
  assert.equal(await client.bind("127.0.0.1", relay.port), 403)
  assert.equal((await client.bind("::ffff:127.0.0.1", 8443)) >= 400, true)
  assert.equal(await client.bind("127.0.0.1", 8444), 0)
})

test("an IPv6 address is relayed from as well: configured, or a global one of a machine that listens on all", () => {
  const v6 = "2a01:4f8::7"
  assert.equal(announcedV6(turn({}), v6), v6)
  assert.equal(announcedV6(turn({ address: "127.0.0.1" }), v6), undefined)
  assert.equal(announcedV6(turn({ address: "::", announce: "2a01:4f8::8" }), v6), undefined)
  assert.equal(announcedV6(turn({ announce: "203.0.113.5" }), v6), v6)
  assert.equal(announcedV6(turn({ address: "127.0.0.1", announceV6: "::1" }), v6), "::1")
})

test("one Allocate relays over IPv4 and IPv6, through real sockets both ways", async t => {
  const relay = await Relay.start({
    // 0.0.0.1: what ::1 is judged by.
    turn: turn({ address: "127.0.0.1", port: 0, allowPeers: ["127.0.0.0/8", "0.0.0.1"] }),
    native: "auto",
    announce: "127.0.0.1",
    announceV6: "::1",
    secret: new Uint8Array(32).fill(1),
    listeners: [{ address: "0.0.0.0", port: 8443 }],
    log,
  })
  t.after(() => relay.close())
  const client = await RelayClient.udp(relay.port, ...credentials(relay), { families: "both" })
  t.after(() => client.stop())
  const event = await client.allocated()
  assert.ok(event.type === "allocated")
  assert.deepEqual(
    event.relayed.map(({ ip }) => formatIp(ip)),
    ["127.0.0.1", "::1"],
  )
  for (const [i, ip] of ["127.0.0.1", "::1"].entries()) {
    const peer = createSocket(ip === "::1" ? "udp6" : "udp4")
    t.after(() => peer.close())
    peer.bind(0, ip)
    await once(peer, "listening")
    const { port } = peer.address()
    assert.equal(await client.permit(ip), 0)
    assert.ok(client.send(ip, port, "to the peer"))
    const [there, from] = (await once(peer, "message")) as [Buffer, RemoteInfo]
    assert.equal(there.toString(), "to the peer")
    assert.deepEqual([from.address, from.port], [ip, event.relayed[i]!.port])
    peer.send("and back", from.port, ip)
    assert.equal((await client.receive()).text, "and back")
  }
  // The announced IPv6 address is no way to what listens here either.
  assert.equal(await client.bind("::1", 8443), 403)
})

test("with a second address, requests are answered from the socket that they name, and none is a peer", async t => {
  const { relay, client } = await withClient(t, {
    second: { address: "127.0.0.2", port: 0 },
    allowPeers: ["127.0.0.0/8"],
  })
  const stranger = createSocket("udp4")
  t.after(() => stranger.close())
  const ask = async (flags: number, port = relay.port, to = "127.0.0.1"): Promise<string> => {
    const request = Buffer.alloc(28)
    request.writeUInt16BE(1, 0)
    request.writeUInt16BE(8, 2)
    request.writeUInt32BE(0x2112a442, 4)
    request.writeUInt32BE(0x00030004, 20)
    request.writeUInt32BE(flags, 24)
    stranger.send(request, port, to)
    const [, from] = (await once(stranger, "message")) as [Buffer, RemoteInfo]
    return `${from.address}:${from.port}`
  }
  assert.equal(await ask(0), `127.0.0.1:${relay.port}`)
  assert.equal(await ask(4), `127.0.0.2:${relay.port}`)
  const other = await ask(6)
  const otherPort = Number(other.split(":")[1])
  assert.notEqual(otherPort, relay.port)
  assert.equal(other, `127.0.0.2:${otherPort}`)
  assert.equal(await ask(2), `127.0.0.1:${otherPort}`)
  assert.equal(await ask(6, otherPort, "127.0.0.2"), `127.0.0.1:${relay.port}`)

  await client.allocate()
  for (const ip of ["127.0.0.1", "127.0.0.2"])
    for (const port of [relay.port, otherPort])
      assert.equal(await client.bind(ip, port), 403, `${ip}:${port}`)
})

test("private and loopback peers are refused unless they are allowed", async t => {
  const { client } = await withClient(t, {})
  await client.allocate()
  for (const ip of ["127.0.0.2", "10.0.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"])
    assert.equal(await client.permit(ip), 403, ip)
})

test("the relay lives on, whatever arrives", async t => {
  const { relay } = await withClient(t, {})
  const stranger = createSocket("udp4")
  t.after(() => stranger.close())
  let seed = 1
  const random = (): number => (seed = (seed * 48_271) % 0x7fffffff)
  for (let i = 0; i < 2_000; i++) {
    const bytes = Buffer.alloc(random() % 200)
    for (let at = 0; at < bytes.length; at++) bytes[at] = random()
    // A third begins as STUN, a third as ChannelData.
    if (i % 3 === 0 && bytes.length >= 20) {
      bytes.writeUInt16BE(i % 2 === 0 ? 0x0001 : 0x0003, 0)
      bytes.writeUInt16BE((bytes.length - 20) & ~3, 2)
      bytes.writeUInt32BE(0x2112a442, 4)
    } else if (i % 3 === 1 && bytes.length > 0) bytes[0] = 0x40
    stranger.send(bytes, relay.port, "127.0.0.1")
  }
  const fresh = await RelayClient.udp(relay.port, ...credentials(relay))
  t.after(() => fresh.stop())
  assert.ok((await fresh.allocate()) >= 49_152)
})

function credentials(relay: Relay): [string, string] {
  const { username = "", credential = "" } = relay.iceServers("blue", "p2").iceServers[1]!
  return [username, credential]
}
