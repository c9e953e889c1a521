import assert from "node:assert/strict"
import { describe, test } from "node:test"
import type { Transport } from "../contract/index.ts"
import { Attribute, PasswordAlgorithm, type StunWriter } from "../stun/index.ts"
import type { AlternateServers } from "./index.ts"
import { type Answer, Client, LONG_ALLOCATE } from "./testing/client.ts"
import { address, LISTENER, World } from "./testing/world.ts"

const PEER = address("8.8.8.8:9000")
const V4 = address("6.6.6.6:3478")
const V6 = address("[2a06::6]:3479")

function draining(alternates: AlternateServers, transport: Transport = "udp") {
  const world = new World()
  world.paths.carry(LISTENER, transport)
  world.server.drain(alternates)
  return world
}

/** The values of all ALTERNATE-SERVER attributes: family, port, address. */
function alternatesIn({ message }: Answer): number[][] {
  const found: number[][] = []
  for (
    let i = message.indexOf(Attribute.alternateServer);
    i >= 0;
    i = message.indexOf(Attribute.alternateServer, i + 1)
  ) {
    found.push([...message.valueOf(i)])
  }
  return found
}

const ON_WIRE_V4 = [0, 1, 3478 >> 8, 3478 & 255, 6, 6, 6, 6]
const ON_WIRE_V6 = [0, 2, 3479 >> 8, 3479 & 255, ...V6.ip]

describe("a server that drains (RFC 8489 §10)", () => {
  test("sends who would allocate to the other one, authenticated, their own address family first", () => {
    const world = draining({ udp: { v4: V4, v6: V6 } })
    const v4 = new Client(world, "1.2.3.4:1").allocate()
    assert.equal(v4.code, 300)
    assert.ok(v4.message.integrityAt >= 0)
    assert.deepEqual(alternatesIn(v4), [ON_WIRE_V4, ON_WIRE_V6])
    const v6 = new Client(world, "[2a01::1]:1").allocate()
    assert.deepEqual(alternatesIn(v6), [ON_WIRE_V6, ON_WIRE_V4])
    assert.equal(world.server.counters().allocations, 0)
    assert.equal(world.server.counters().errors[300], 2)
  })

  test("tells only who is authenticated", () => {
    const client = new Client(draining({ udp: { v4: V4 } }), "1.2.3.4:1")
    assert.equal(client.challenge().code, 401)
    const wrong = client.allocate(() => {}, { password: "wrong" })
    assert.equal(wrong.code, 401)
    assert.deepEqual(alternatesIn(wrong), [])
  })

  test("goes on for who has an allocation, with all that belongs to it", () => {
    const world = new World()
    const client = new Client(world, "1.2.3.4:1")
    const { message } = client.allocate(writer => writer.evenPort(true))
    const token = message.value(Attribute.reservationToken)!.slice()
    client.bind(0x4000, PEER)
    world.server.drain({ udp: { v4: V4 } })
    assert.equal(client.refresh(600).code, 0)
    assert.equal(client.bind(0x4001, address("9.9.9.9:9")).code, 0)
    assert.equal(client.channelData(0x4000, Uint8Array.of(1)).length, 1)
    const second = new Client(world, "1.2.3.4:2")
    const claimed = second.allocate((w: StunWriter) => w.attribute(Attribute.reservationToken, token))
    assert.equal(claimed.code, 0)
    assert.equal(new Client(world, "1.2.3.4:3").allocate().code, 300)
  })

  test("keeps who cannot be sent anywhere: no alternate, none over their transport or of their family", () => {
    assert.equal(new Client(draining({}), "1.2.3.4:1").allocate().code, 0)
    assert.equal(new Client(draining({ tcp: { v4: V4 } }), "1.2.3.4:1").allocate().code, 0)
    assert.equal(new Client(draining({ udp: { v4: V4 } }), "[2a01::1]:1").allocate().code, 0)
    assert.equal(new Client(draining({ tcp: { v4: V4 } }, "tcp"), "1.2.3.4:1").allocate().code, 300)
  })

  test("names the certificate of the other one over TLS, to who understands it; who does not stays", () => {
    const world = draining({ tls: { v4: V4, domain: "turn2.example.org" } }, "tls")
    const modern = new Client(world, "1.2.3.4:1")
    modern.challenge(LONG_ALLOCATE)
    const answer = modern.allocate(() => {}, { algorithm: PasswordAlgorithm.sha256 })
    assert.equal(answer.code, 300)
    const domain = new TextDecoder().decode(answer.message.value(Attribute.alternateDomain))
    assert.equal(domain, "turn2.example.org")
    assert.equal(new Client(world, "1.2.3.4:2").allocate().code, 0)
    const same = draining({ tls: { v4: V4 } }, "tls")
    assert.equal(new Client(same, "1.2.3.4:3").allocate().code, 300)
  })

  test("what is no address or name is refused by name", () => {
    const { server } = new World()
    assert.throws(() => server.drain({ udp: { v4: V6 } }), /udp\.v4/)
    assert.throws(() => server.drain({ tls: { v6: V4 } }), /tls\.v6/)
    assert.throws(() => server.drain({ tls: { v4: V4, domain: "a b" } }), /tls\.domain/)
  })
})
