import assert from "node:assert/strict"
import { test } from "node:test"
import { Method } from "../stun/index.ts"
import { Client } from "./testing/client.ts"
import { address, World } from "./testing/world.ts"

const PEER = address("8.8.8.8:9000")
const data = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes)

test("what an allocation costs can be read while it lives, and is said in full when it is freed", () => {
  const world = new World()
  const client = new Client(world, "1.2.3.4:5000")
  world.advance(1_000)
  client.allocate()
  client.permit(PEER)
  client.sendTo(PEER, data(1, 2, 3))
  client.bind(0x4000, PEER)
  client.channelData(0x4000, data(9, 9))
  client.hear(PEER, data(7))
  world.advance(2_500)

  const expected = {
    allocation: 1,
    transport: "udp",
    packetsToPeers: 2,
    bytesToPeers: 5,
    packetsToClient: 1,
    bytesToClient: 1,
    packetsJoined: 0,
    bytesJoined: 0,
  }
  const [live, ...others] = world.server.usage(world.now)
  const { username, ...counts } = live!
  assert.deepEqual(others, [])
  assert.deepEqual(counts, { ...expected, duration: 2_500 })

  world.advance(500)
  client.refresh(0)
  assert.deepEqual(world.events.at(-1), {
    type: "freed",
    reason: "refresh-zero",
    ...expected,
    username,
    duration: 3_000,
  })
  assert.deepEqual(world.server.usage(world.now), [])
})

test("an allocation that waits for its socket has cost nothing yet", () => {
  const world = new World()
  world.binds = "held"
  const client = new Client(world, "1.2.3.4:5000")
  client.challenge()
  client.send(client.signed(Method.allocate, writer => writer.requestedTransport(17)))
  assert.equal(world.server.counters().allocations, 1)
  assert.deepEqual(world.server.usage(world.now), [])
})

test("between two clients of one server, both pay: one for what it sent, one for what it got", () => {
  const world = new World()
  const ada = new Client(world, "1.2.3.4:5000", "ada")
  const ben = new Client(world, "1.2.3.5:5000", "ben")
  for (const client of [ada, ben]) client.allocate()
  ada.permit(ben.relayed!)
  ben.permit(ada.relayed!)
  ada.sendTo(ben.relayed!, data(1, 2, 3, 4))
  ada.permit(PEER)
  ada.sendTo(PEER, data(5))
  assert.deepEqual(
    world.server.usage(world.now).map(each => [each.packetsToPeers, each.bytesToPeers, each.packetsToClient]),
    [
      [2, 5, 0],
      [0, 0, 1],
    ],
  )
  // What went over no wire, of what the sender sent.
  assert.deepEqual(
    world.server.usage(world.now).map(each => [each.packetsJoined, each.bytesJoined]),
    [
      [1, 4],
      [0, 0],
    ],
  )
  const { packetsJoined, bytesJoined } = world.server.counters()
  assert.deepEqual([packetsJoined, bytesJoined], [1, 4])
})
