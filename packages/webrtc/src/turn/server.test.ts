import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { formatAddress } from "../bytes/index.ts"
import { Attribute, Method } from "../stun/index.ts"
import { addressIn, Client, read } from "./testing/client.ts"
import { address, World } from "./testing/world.ts"

const PEER = address("8.8.8.8:9000")
const data = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes)

function allocated(): { world: World; client: Client } {
  const world = new World()
  const client = new Client(world, "1.2.3.4:5000")
  assert.equal(client.allocate().code, 0)
  return { world, client }
}

describe("TurnServer", () => {
  test("a whole dialogue: allocate, permit, bind, data both ways, refresh, farewell", () => {
    const { world, client } = allocated()
    assert.match(formatAddress(client.relayed!), /^5\.5\.5\.5:50\d\d\d$/)
    assert.equal(client.permit(PEER).code, 0)

    const out = client.sendTo(PEER, data(1, 2, 3))
    assert.deepEqual(
      out.map(sent => [formatAddress(sent.to), [...sent.bytes]]),
      [["8.8.8.8:9000", [1, 2, 3]]],
    )
    assert.equal(out[0]!.socket, world.socketOn(client.relayed!.port))

    const [indication] = client.hear(PEER, data(4, 5, 6, 7, 8))
    const { message } = read(indication!.bytes)
    assert.equal(message.method, Method.data)
    assert.deepEqual([...message.value(Attribute.data)!], [4, 5, 6, 7, 8])
    assert.deepEqual(addressIn(message, Attribute.xorPeerAddress), PEER)
    assert.deepEqual([...indication!.bytes.subarray(-3)], [0, 0, 0])

    assert.equal(client.bind(0x4000, PEER).code, 0)
    assert.deepEqual([...client.channelData(0x4000, data(9, 9))[0]!.bytes], [9, 9])
    assert.deepEqual([...client.hear(PEER, data(7))[0]!.bytes], [0x40, 0, 0, 1, 7])

    const refreshed = client.refresh(1000)
    assert.equal(refreshed.message.uint32(Attribute.lifetime), 1000)
    const farewell = client.refresh(0)
    assert.equal(farewell.message.uint32(Attribute.lifetime), 0)
    assert.equal(world.sockets.size, 0)
    assert.equal(world.server.counters().allocations, 0)
    assert.equal(world.server.nextTick, Infinity)
    assert.deepEqual(
      world.events.map(event => event.type),
      ["allocated", "freed"],
    )
  })
})
