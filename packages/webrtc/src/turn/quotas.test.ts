import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import { type StunWriter } from "../stun/index.ts"
import { timeLimitedCredentials } from "./index.ts"
import { Client } from "./testing/client.ts"
import { address, EPOCH, SECRET, World } from "./testing/world.ts"

const PEER = address("8.8.8.8:9000")
const data = (length: number): Uint8Array => new Uint8Array(length).fill(1)

function inRoom(world: World, room: string, participant: string, port: number): Client {
  const client = new Client(world, `1.2.3.4:${port}`)
  const expiry = EPOCH / 1000 + 3600
  const minted = timeLimitedCredentials({ crypto: nodeCrypto, secret: SECRET, room, participant, expiry })
  client.username = minted.username
  client.password = minted.password
  return client
}

describe("how many allocations there may be", () => {
  test("486 when a room has enough, whoever in it asks; another room goes on", () => {
    const world = new World({ limits: { allocationsPerRoom: 3 } })
    const first = inRoom(world, "standup", "ada", 1)
    assert.equal(first.allocate().code, 0)
    assert.equal(inRoom(world, "standup", "ben", 2).allocate().code, 0)
    assert.equal(inRoom(world, "standup", "cem:2", 3).allocate().code, 0)
    assert.equal(inRoom(world, "standup", "dan", 4).allocate().code, 486)
    assert.equal(inRoom(world, "retro", "dan", 5).allocate().code, 0)
    first.refresh(0)
    assert.equal(inRoom(world, "standup", "dan", 6).allocate().code, 0)
  })

  test("ports that a room has reserved count for it", () => {
    const world = new World({ limits: { allocationsPerRoom: 2 } })
    const pair = (writer: StunWriter) => writer.evenPort(true)
    assert.equal(inRoom(world, "standup", "ada", 1).allocate(pair).code, 0)
    assert.equal(inRoom(world, "standup", "ben", 2).allocate().code, 486)
    world.advance(30_000)
    assert.equal(inRoom(world, "standup", "ben", 2).allocate().code, 0)
  })

  test("a username without a room counts for its user and in all, 486 and 508", () => {
    const world = new World({ limits: { allocationsPerRoom: 1, allocationsPerUser: 2, allocations: 3 } })
    const username = `${EPOCH / 1000 + 3600}:service`
    const hmac = nodeCrypto.hmac("sha1", SECRET).sign(new TextEncoder().encode(username))
    const service = (port: number) => {
      const client = new Client(world, `1.2.3.4:${port}`)
      client.username = username
      client.password = Buffer.from(hmac).toString("base64")
      return client
    }
    assert.deepEqual(
      [1, 2, 3].map(port => service(port).allocate().code),
      [0, 0, 486],
    )
    assert.equal(inRoom(world, "standup", "ada", 4).allocate().code, 0)
    assert.equal(inRoom(world, "retro", "ada", 5).allocate().code, 508)
  })
})

describe("how much may be relayed", () => {
  function setUp(limits: object) {
    const world = new World({ limits })
    const ada = new Client(world, "1.2.3.4:5000", "ada")
    const ben = new Client(world, "1.2.3.5:5000", "ben")
    for (const client of [ada, ben]) {
      client.allocate()
      client.bind(0x4000, PEER)
    }
    return { world, ada, ben }
  }
  const through = (count: number, send: () => unknown[]): number => {
    let passed = 0
    for (let i = 0; i < count; i++) passed += send().length
    return passed
  }

  test("bytes per second of an allocation, both ways together, whichever way they go; others go on", () => {
    const { world, ada, ben } = setUp({ allocationBytesPerSecond: 10_000 })
    assert.equal(
      through(4, () => ada.channelData(0x4000, data(1000))),
      4,
    )
    assert.equal(
      through(3, () => ada.sendTo(PEER, data(1000))),
      3,
    )
    assert.equal(
      through(10, () => ada.hear(PEER, data(1000))),
      3,
    )
    assert.equal(
      through(4, () => ada.channelData(0x4000, data(1000))),
      0,
    )
    assert.equal(world.server.counters().drops["over-bandwidth"], 11)
    assert.equal(
      through(10, () => ben.channelData(0x4000, data(1000))),
      10,
    )
    world.advance(500)
    assert.equal(
      through(10, () => ada.channelData(0x4000, data(1000))),
      5,
    )
    // A second's worth at once, however long nothing was sent.
    world.advance(60_000)
    assert.equal(
      through(20, () => ada.hear(PEER, data(1000))),
      10,
    )
    assert.equal(world.server.counters().bytesToPeers + world.server.counters().bytesToClients, 35_000)
  })

  test("bytes per second of all allocations together", () => {
    const { world, ada, ben } = setUp({ relayedBytesPerSecond: 10_000 })
    assert.equal(
      through(6, () => ada.channelData(0x4000, data(1000))),
      6,
    )
    assert.equal(
      through(6, () => ben.channelData(0x4000, data(1000))),
      4,
    )
    assert.equal(
      through(6, () => ada.hear(PEER, data(1000))),
      0,
    )
    world.advance(1000)
    assert.equal(
      through(20, () => ben.sendTo(PEER, data(1000))),
      10,
    )
  })

  test("between two allocations of this server too", () => {
    const { world, ada, ben } = setUp({ allocationBytesPerSecond: 3000 })
    ada.permit(ben.relayed!)
    ben.permit(ada.relayed!)
    assert.equal(
      through(10, () => ada.sendTo(ben.relayed!, data(1000))),
      3,
    )
    assert.equal(world.server.counters().drops["over-bandwidth"], 7)
  })

  test("no limit by default", () => {
    const { world, ada } = setUp({})
    assert.equal(
      through(5000, () => ada.channelData(0x4000, data(1400))),
      5000,
    )
    assert.equal(world.server.counters().drops["over-bandwidth"], 0)
  })

  test("a limit is a whole number of bytes, or none", () => {
    for (const relayedBytesPerSecond of [0, -1, 1.5, Number.NaN]) {
      assert.throws(() => new World({ limits: { relayedBytesPerSecond } }), /limits\.relayedBytesPerSecond/)
    }
    assert.throws(() => new World({ limits: { maxLifetime: Infinity } }), /limits\.maxLifetime/)
  })
})
