import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { Attribute, MessageClass, Method } from "../stun/index.ts"
import { addressIn, read } from "./testing/client.ts"
import { attempt, kinds, OTHER, PEER, setUp } from "./testing/tcp-client.ts"
import { address } from "./testing/world.ts"

describe("ConnectionAttempt (RFC 6062 §5.3)", () => {
  test("tells the client of a peer with a permission, by any of its ports", () => {
    const { world, client } = setUp()
    client.permit(PEER)
    const from = { ...PEER, port: 4242 }
    const { sent, isOpen } = attempt({ world, client }, from)
    assert.ok(isOpen)
    assert.deepEqual(sent[0]!.to, client.address)
    const { message } = read(sent[0]!.bytes)
    assert.deepEqual([message.class, message.method], [MessageClass.indication, Method.connectionAttempt])
    assert.deepEqual(addressIn(message, Attribute.xorPeerAddress), from)
    assert.equal(client.dataConnection().bindTo(message.uint32(Attribute.connectionId)).code, 0)
    // One to each peer's transport address.
    assert.ok(!attempt({ world, client }, from).isOpen)
    assert.equal(client.refusedConnect(from), 446)
  })

  test("closes who has none at once, says nothing, and notes it once", () => {
    const { world, client } = setUp()
    for (let i = 0; i < 3; i++) {
      const { sent, isOpen } = attempt({ world, client }, PEER)
      assert.deepEqual([sent, isOpen], [[], false])
    }
    assert.equal(kinds(world).filter(kind => kind === "unpermitted-peer").length, 1)
    assert.equal(world.server.counters().drops["no-permission"], 3)
    // A Connect gives no permission to come the other way.
    client.connected(PEER)
    assert.ok(!attempt({ world, client }, { ...PEER, port: 1 }).isOpen)
    // One that has expired is none.
    client.permit(OTHER)
    world.advance(299_999)
    assert.ok(attempt({ world, client }, OTHER).isOpen)
    world.advance(1)
    assert.ok(!attempt({ world, client }, { ...OTHER, port: 1 }).isOpen)
  })

  test("closes who may be no peer, permission or not", () => {
    const { world, client } = setUp({ relayedAddress: { v4: Uint8Array.of(10, 0, 0, 5) } })
    // The address that this server relays from is given a permission whatever the port.
    assert.equal(client.permit(address("10.0.0.5:22")).code, 0)
    assert.ok(!attempt({ world, client }, address("10.0.0.5:22")).isOpen)
  })

  test("many attempts make little evidence", () => {
    const { world, client } = setUp({ limits: { connectionsNotedPerSecond: 5 } })
    client.permit(PEER)
    for (let port = 1; port <= 30; port++) attempt({ world, client }, { ...PEER, port })
    assert.equal(kinds(world).filter(kind => kind === "peer-connected").length, 5)
    assert.equal(world.server.counters().evidenceSuppressed, 25)
  })
})
