import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { Method } from "../stun/index.ts"
import { Client } from "./testing/client.ts"
import { address, EPOCH, World } from "./testing/world.ts"

const PEER = address("9.9.9.9:999")
const HOUR = 3_600_000
const data = Uint8Array.of(1, 2, 3, 4)

/** Somebody with an allocation that relays. */
function relaying(world: World, from: string, participant: string, expiry?: number): Client {
  const client = new Client(world, from, participant, expiry)
  assert.equal(client.allocate().code, 0)
  assert.equal(client.bind(0x4000, PEER).code, 0)
  assert.equal(client.channelData(0x4000, data).length, 1)
  return client
}

const reasons = (world: World) =>
  world.events.flatMap(event => (event.type === "freed" ? [event.reason] : []))

describe("Revoking a user", () => {
  test("ends every allocation of theirs at once, both ways, whatever the expiry in its username; others go on", () => {
    const world = new World()
    const ada = relaying(world, "1.2.3.4:5000", "ada")
    const again = relaying(world, "1.2.3.4:5001", "ada", EPOCH / 1000 + 60)
    const ben = relaying(world, "1.2.3.4:6000", "ben")
    const sockets = [ada, again].map(({ relayed }) => world.socketOn(relayed!.port))
    world.revoke("room:ada", HOUR)
    for (const client of [ada, again]) assert.deepEqual(client.channelData(0x4000, data), [])
    for (const socket of sockets) assert.ok(!world.sockets.has(socket), "the relayed address is closed")
    assert.deepEqual(reasons(world), ["revoked", "revoked"])
    assert.equal(ben.channelData(0x4000, data).length, 1)
    assert.equal(ben.hear(PEER, data).length, 1)
    assert.equal(world.server.counters().allocations, 1)
  })

  test("refuses their credentials, old and new, until they have expired; those of others are as good as before", () => {
    const world = new World()
    const ada = relaying(world, "1.2.3.4:5000", "ada")
    world.revoke("room:ada", HOUR)
    assert.equal(ada.refresh(600).code, 401)
    for (const expiry of [60, 7200]) {
      const other = new Client(world, `1.2.3.4:${5000 + expiry}`, "ada", EPOCH / 1000 + expiry)
      assert.equal(other.allocate().code, 401)
    }
    // Not of the same room, not the same participant.
    for (const [i, participant] of ["adam", "ad", "Ada"].entries())
      assert.equal(new Client(world, `1.2.3.4:${7000 + i}`, participant).allocate().code, 0, participant)
    assert.equal(world.server.counters().allocations, 3)
  })

  test("also ends what still waits for its socket", () => {
    const world = new World()
    world.binds = "held"
    const ada = new Client(world, "1.2.3.4:5000", "ada")
    ada.challenge()
    ada.send(ada.signed(Method.allocate, writer => writer.requestedTransport(17)))
    world.revoke("room:ada", HOUR)
    assert.deepEqual(world.answerBinds(), [])
    assert.equal(world.sockets.size, 0)
    assert.equal(world.server.counters().allocations, 0)
  })

  test("is remembered of so many, and for so long", () => {
    const world = new World({ limits: { revokedUsers: 2 } })
    for (const user of ["room:ada", "room:ben", "room:cyd"]) world.revoke(user, HOUR)
    const code = (participant: string, port: number) =>
      new Client(world, `1.2.3.4:${port}`, participant, EPOCH / 1000 + 3 * 3600).allocate().code
    assert.deepEqual([code("ada", 1), code("ben", 2), code("cyd", 3)], [0, 401, 401])
    world.advance(HOUR)
    world.revoke("room:dan", HOUR)
    assert.deepEqual([code("ben", 4), code("cyd", 5), code("dan", 6)], [0, 0, 401])
  })
})
