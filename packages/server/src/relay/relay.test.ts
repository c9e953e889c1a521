import assert from "node:assert/strict"
import { createSocket } from "node:dgram"
import { once } from "node:events"
import { test } from "node:test"
import type { Config } from "../config/index.ts"
import { parseConfig } from "../config/schema.ts"
import { createLog } from "../log/index.ts"
import { announcedAddress } from "./announced.ts"
import { Relay } from "./relay.ts"

const log = createLog({ level: "error", form: "json", write: line => assert.fail(line) })
const turn = (settings: object): Config["turn"] => parseConfig({ turn: settings }).turn

test("STUN is answered with the address that asked, and ICE servers name the announced one", async t => {
  const relay = await Relay.start({
    turn: turn({ address: "127.0.0.1", port: 0 }),
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
  assert.equal(relay.counters().turn.bindingRequests, 1)
  assert.equal(relay.counters().udp.received, 1)
})

test("clients are told the address that they can reach", () => {
  assert.equal(announcedAddress(turn({ announce: "203.0.113.5" }), "192.168.1.2"), "203.0.113.5")
  assert.equal(announcedAddress(turn({}), "192.168.1.2"), "192.168.1.2")
  assert.equal(announcedAddress(turn({ address: "127.0.0.1" }), "192.168.1.2"), "127.0.0.1")
  // oxlint-disable-next-line unicorn/no-useless-undefined -- no network but loopback
  assert.equal(announcedAddress(turn({}), undefined) !== "", true)
})
