import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { parseIp } from "../bytes/index.ts"
import { Attribute, Method, type StunWriter } from "../stun/index.ts"
import { Client, newTransactionId, read } from "./testing/client.ts"
import { address, World } from "./testing/world.ts"

const PEER = address("8.8.8.8:9000")

describe("Allocate", () => {
  test("a retransmission gets the same answer, another request a 437", () => {
    const world = new World()
    const client = new Client(world, "1.2.3.4:5000")
    const transactionId = newTransactionId()
    client.allocate(() => {}, { transactionId })
    const { relayed } = client
    world.advance(2000)
    const again = client.allocate(() => {}, { transactionId })
    assert.equal(again.code, 0)
    assert.deepEqual(client.relayed, relayed)
    assert.equal(again.message.uint32(Attribute.lifetime), 598)
    assert.equal(client.allocate().code, 437)
    const thief = new Client(world, "1.2.3.4:5000", "eve")
    thief.nonce = client.nonce
    assert.equal(thief.allocate(() => {}, { transactionId }).code, 437)
    assert.equal(world.sockets.size, 1)
  })

  test("a retransmission while the socket is awaited: one socket, one answer", () => {
    const world = new World()
    world.binds = "held"
    const client = new Client(world, "1.2.3.4:5000")
    client.challenge()
    const request = client.signed(Method.allocate, writer => writer.requestedTransport(17), {
      fingerprint: true,
    })
    assert.deepEqual(client.send(request), [])
    assert.deepEqual(client.send(request), [])
    assert.equal(client.allocate().code, 437)
    assert.equal(client.refresh(0).code, 437)
    assert.equal(world.asked.length, 1)
    const answer = client.answer(world.answerBinds())
    assert.equal(answer.code, 0)
    assert.ok(answer.message.hasTransactionId(request.subarray(8, 20)))
    assert.ok(answer.message.fingerprintAt > 0)
    assert.equal(world.sockets.size, 1)
  })

  test("400 without REQUESTED-TRANSPORT or with an unreadable one, 442 for anything but UDP", () => {
    const world = new World()
    const client = new Client(world, "1.2.3.4:5000")
    client.challenge()
    assert.equal(client.request(Method.allocate).code, 400)
    const short = client.request(Method.allocate, writer =>
      writer.attribute(Attribute.requestedTransport, Uint8Array.of(17)),
    )
    assert.equal(short.code, 400)
    assert.equal(client.request(Method.allocate, writer => writer.requestedTransport(6)).code, 442)
    assert.equal(
      client.allocate(writer => writer.attribute(Attribute.lifetime, Uint8Array.of(1, 2))).code,
      400,
    )
    assert.equal(world.server.counters().allocations, 0)
  })

  test("440 for a family that is not served; IPv4 where none is named", () => {
    const family = (number: number) => (writer: { addressFamily(type: number, family: number): void }) =>
      writer.addressFamily(Attribute.requestedAddressFamily, number)
    const onlyIpv4 = new World({ relayedAddress: { v4: parseIp("5.5.5.5")! } })
    assert.equal(new Client(onlyIpv4, "1.2.3.4:1").allocate(family(2)).code, 440)
    assert.equal(new Client(onlyIpv4, "1.2.3.4:1").allocate(family(3)).code, 440)
    assert.equal(new Client(onlyIpv4, "1.2.3.4:1").allocate(family(1)).code, 0)
    const onlyIpv6 = new World({ relayedAddress: { v6: parseIp("2a00::5")! } })
    assert.equal(new Client(onlyIpv6, "1.2.3.4:1").allocate().code, 440)
    assert.equal(new Client(onlyIpv6, "1.2.3.4:1").allocate(family(2)).code, 0)
    const both = new World()
    const client = new Client(both, "[2a01::1]:1")
    client.allocate()
    assert.equal(client.relayed!.ip.length, 4)
  })

  test("the lifetime is what is asked for, within bounds", () => {
    const world = new World()
    for (const [asked, given] of [
      [0, 600],
      [10, 600],
      [601, 601],
      [3600, 3600],
      [4_294_967_295, 3600],
    ] as const) {
      const client = new Client(world, `1.2.3.4:${5000 + (asked % 1000)}`)
      const answer = client.allocate(writer => writer.uint32(Attribute.lifetime, asked))
      assert.equal(answer.message.uint32(Attribute.lifetime), given)
    }
  })

  test("486 when a user has enough, whatever the expiry; others go on", () => {
    const world = new World({ limits: { allocationsPerUser: 2 } })
    const of = (port: number, participant: string, later: number) =>
      new Client(world, `1.2.3.4:${port}`, participant, 1_793_491_200 + 3600 + later)
    assert.equal(of(1, "ada", 0).allocate().code, 0)
    const second = of(2, "ada", 1)
    assert.equal(second.allocate().code, 0)
    assert.equal(of(3, "ada", 2).allocate().code, 486)
    assert.equal(of(4, "ben", 0).allocate().code, 0)
    second.refresh(0)
    assert.equal(of(5, "ada", 3).allocate().code, 0)
  })

  test("508 when there are enough in all, or no port is free", () => {
    const few = new World({ limits: { allocations: 1 } })
    assert.equal(new Client(few, "1.2.3.4:1").allocate().code, 0)
    assert.equal(new Client(few, "1.2.3.4:2").allocate().code, 508)
    const narrow = new World({ relayPorts: { min: 50_000, max: 50_001 } })
    for (const [port, code] of [
      [1, 0],
      [2, 0],
      [3, 508],
    ] as const) {
      assert.equal(new Client(narrow, `1.2.3.4:${port}`).allocate().code, code)
    }
  })

  test("ports that others have are passed over, up to so many tries", () => {
    const world = new World({ relayPorts: { min: 50_000, max: 50_007 } })
    for (let port = 50_000; port < 50_007; port++) world.occupied.add(port)
    const client = new Client(world, "1.2.3.4:5000")
    assert.equal(client.allocate().code, 0)
    assert.equal(client.relayed!.port, 50_007)
    assert.equal(world.server.counters().freePorts, 7 + 8)

    const stubborn = new World({ limits: { bindTries: 3 } })
    for (let port = 50_000; port < 51_000; port++) stubborn.occupied.add(port)
    const other = new Client(stubborn, "1.2.3.4:5000")
    assert.equal(other.allocate().code, 508)
    assert.equal(stubborn.server.counters().freePorts, 2000)
    assert.equal(stubborn.server.counters().errors[508], 1)
    assert.equal(stubborn.server.counters().allocations, 0)
  })

  test("508 at once when no socket can be had at all", () => {
    const world = new World()
    world.refuseBinds = true
    const client = new Client(world, "1.2.3.4:5000")
    const answer = client.allocate()
    assert.equal(answer.code, 508)
    assert.ok(answer.message.integrityAt > 0)
    assert.equal(world.server.counters().freePorts, 2000)
    world.refuseBinds = false
    assert.equal(client.allocate().code, 0)
    assert.deepEqual(
      world.evidence.map(({ kind }) => kind),
      ["refused", "allocated"],
    )
  })

  test("expires without a refresh, and lets everything go", () => {
    const world = new World()
    const client = new Client(world, "1.2.3.4:5000")
    client.allocate()
    client.bind(0x4000, PEER)
    world.advance(599_999)
    assert.equal(client.refresh(700).code, 0)
    world.advance(699_999)
    assert.equal(world.sockets.size, 1)
    world.advance(1)
    assert.equal(world.sockets.size, 0)
    assert.equal(world.server.nextTick, Infinity)
    assert.equal(client.refresh(600).code, 437)
    assert.equal(client.permit(PEER).code, 437)
    assert.equal(client.bind(0x4000, PEER).code, 437)
    assert.deepEqual(client.sendTo(PEER, Uint8Array.of(1)), [])
    assert.equal(client.allocate().code, 0)
    assert.deepEqual(
      world.events.map(event => (event.type === "freed" ? event.reason : event.type)),
      ["allocated", "expired", "allocated"],
    )
  })
})

describe("Refresh", () => {
  test("437 without an allocation, 441 for another user, 443 for another family, 400 unreadable", () => {
    const world = new World()
    const client = new Client(world, "1.2.3.4:5000")
    client.challenge()
    assert.equal(client.refresh(600).code, 437)
    client.allocate()
    const thief = new Client(world, "1.2.3.4:5000", "eve")
    thief.nonce = client.nonce
    assert.equal(thief.refresh(0).code, 441)
    assert.equal(thief.permit(PEER).code, 441)
    assert.equal(thief.bind(0x4000, PEER).code, 441)
    assert.equal(thief.allocate().code, 437)
    const other = client.request(Method.refresh, w => w.addressFamily(Attribute.requestedAddressFamily, 2))
    assert.equal(other.code, 443)
    const same = client.request(Method.refresh, w => w.addressFamily(Attribute.requestedAddressFamily, 1))
    assert.equal(same.code, 0)
    const odd = client.request(Method.refresh, w => w.attribute(Attribute.lifetime, new Uint8Array(5)))
    assert.equal(odd.code, 400)
    assert.equal(world.sockets.size, 1)
  })

  test("the same client may have one allocation on each of its ports", () => {
    const world = new World()
    const a = new Client(world, "1.2.3.4:5000")
    const b = new Client(world, "1.2.3.4:5001")
    a.allocate()
    b.allocate()
    assert.notEqual(a.relayed!.port, b.relayed!.port)
    a.refresh(0)
    assert.equal(b.refresh(600).code, 0)
  })
})

describe("EVEN-PORT and RESERVATION-TOKEN", () => {
  const even = (next: boolean) => (writer: StunWriter) => writer.evenPort(next)
  const claim = (token: Uint8Array) => (writer: StunWriter) =>
    writer.attribute(Attribute.reservationToken, token)

  test("an even port, without keeping the next", () => {
    const world = new World()
    for (let i = 0; i < 20; i++) {
      const client = new Client(world, `1.2.3.4:${5000 + i}`)
      const answer = client.allocate(even(false))
      assert.equal(answer.code, 0)
      assert.equal(client.relayed!.port % 2, 0)
      assert.ok(!answer.message.has(Attribute.reservationToken))
    }
    assert.equal(world.server.counters().freePorts, 2000 - 20)
  })

  test("an even port and its neighbour, for who brings the token, once", () => {
    const world = new World()
    const first = new Client(world, "1.2.3.4:5000")
    const transactionId = newTransactionId()
    const token = first.allocate(even(true), { transactionId }).message.value(Attribute.reservationToken)!
    assert.equal(token.length, 8)
    const again = first.allocate(even(true), { transactionId })
    assert.deepEqual(again.message.value(Attribute.reservationToken), token)
    assert.equal(new Client(world, "1.2.3.4:5001", "eve").allocate(claim(token)).code, 508)
    const second = new Client(world, "1.2.3.4:5002")
    assert.equal(second.allocate(claim(token)).code, 0)
    assert.equal(second.relayed!.port, first.relayed!.port + 1)
    assert.equal(new Client(world, "1.2.3.4:5003").allocate(claim(token)).code, 508)
    assert.equal(world.server.counters().freePorts, 1998)
    first.refresh(0)
    second.refresh(0)
    assert.equal(world.server.counters().freePorts, 2000)
  })

  test("a reservation is held for 30 seconds, then the port is anybody's", () => {
    const world = new World({ relayPorts: { min: 50_000, max: 50_001 } })
    const first = new Client(world, "1.2.3.4:5000")
    const token = first.allocate(even(true)).message.value(Attribute.reservationToken)!.slice()
    const second = new Client(world, "1.2.3.4:5001")
    world.advance(29_999)
    assert.equal(second.allocate().code, 508)
    world.advance(1)
    assert.equal(second.allocate(claim(token)).code, 508)
    assert.equal(second.allocate().code, 0)
    assert.equal(second.relayed!.port, 50_001)
  })

  test("reserved ports count for the user, so that they cannot be hoarded", () => {
    const world = new World({ limits: { allocationsPerUser: 4 } })
    for (let i = 0; i < 4; i++) {
      const client = new Client(world, `1.2.3.4:${5000 + i}`)
      // Two ports the first time; what is left then is the reservation.
      assert.equal(client.allocate(even(true)).code, i < 3 ? 0 : 486)
      if (i < 3) client.refresh(0)
    }
    world.advance(30_000)
    assert.equal(new Client(world, "1.2.3.4:5000").allocate(even(true)).code, 0)
    assert.equal(world.server.counters().freePorts, 1998)
  })

  test("400 where RFC 8656 §7.2 forbids the combination, or the value is unreadable", () => {
    const client = new Client(new World(), "1.2.3.4:5000")
    const token = new Uint8Array(8)
    const family = Attribute.requestedAddressFamily
    const additional = Attribute.additionalAddressFamily
    for (const fill of [
      claim(new Uint8Array(7)),
      (w: StunWriter) => w.attribute(Attribute.evenPort, new Uint8Array(2)),
      (w: StunWriter) => [claim(token)(w), w.evenPort(false)],
      (w: StunWriter) => [claim(token)(w), w.addressFamily(family, 1)],
      (w: StunWriter) => [claim(token)(w), w.addressFamily(additional, 2)],
      (w: StunWriter) => [w.evenPort(true), w.addressFamily(additional, 2)],
    ]) {
      assert.equal(client.allocate(fill).code, 400)
    }
    assert.equal(client.allocate(claim(token)).code, 508)
  })

  test("508 when no pair is left; nothing is lost when ports are in use by others", () => {
    const odd = new World({ relayPorts: { min: 50_001, max: 50_001 } })
    assert.equal(new Client(odd, "1.2.3.4:5000").allocate(even(false)).code, 508)
    const single = new World({ relayPorts: { min: 50_000, max: 50_000 } })
    assert.equal(new Client(single, "1.2.3.4:5000").allocate(even(true)).code, 508)
    assert.equal(new Client(single, "1.2.3.4:5000").allocate(even(false)).code, 0)

    const busy = new World({ relayPorts: { min: 50_000, max: 50_003 } })
    busy.occupied.add(50_000)
    for (let i = 0; i < 20; i++) {
      const client = new Client(busy, "1.2.3.4:5000")
      assert.equal(client.allocate(even(true)).code, 0)
      assert.equal(client.relayed!.port, 50_002)
      client.refresh(0)
      busy.advance(30_000)
      assert.equal(busy.server.counters().freePorts, 8)
    }
    busy.occupied.add(50_002)
    assert.equal(new Client(busy, "1.2.3.4:5000").allocate(even(true)).code, 508)
    assert.equal(busy.server.counters().freePorts, 8)
  })

  test("both of a pair are bound at once, so that what is promised is there", () => {
    const world = new World({ relayPorts: { min: 50_000, max: 50_003 } })
    // A pair whose second port is somebody else's is none.
    world.occupied.add(50_001)
    for (let i = 0; i < 20; i++) {
      const client = new Client(world, "1.2.3.4:5000")
      const token = client.allocate(even(true)).message.value(Attribute.reservationToken)!.slice()
      assert.equal(client.relayed!.port, 50_002)
      assert.equal(world.sockets.size, 2)
      const second = new Client(world, "1.2.3.4:5001")
      assert.equal(second.allocate(claim(token)).code, 0)
      assert.equal(second.relayed!.port, 50_003)
      client.refresh(0)
      assert.equal(second.permit(address("8.8.8.8:1")).code, 0)
      assert.equal(second.hear(address("8.8.8.8:1"), Uint8Array.of(1)).length, 1)
      second.refresh(0)
      assert.deepEqual([world.sockets.size, world.server.counters().freePorts], [0, 8])
    }
    world.close()
  })

  test("what comes for a port that is only reserved is for nobody, were it a request", () => {
    const world = new World()
    const client = new Client(world, "1.2.3.4:5000")
    client.allocate(even(true))
    const reserved = world.socketOn(client.relayed!.port + 1)
    assert.deepEqual(world.deliver(reserved, address("8.8.8.8:1"), client.plain(Method.binding)), [])
    assert.equal(world.server.counters().drops["no-permission"], 1)
    assert.equal(world.server.counters().bindingRequests, 0)
    world.advance(30_000)
    assert.equal(world.sockets.size, 1)
  })

  test("one of a pair that comes too late, or without the other, is given back", () => {
    const world = new World({ relayPorts: { min: 50_000, max: 50_001 } })
    world.binds = "held"
    const client = new Client(world, "1.2.3.4:5000")
    client.challenge()
    client.send(
      client.signed(Method.allocate, writer => [writer.requestedTransport(17), writer.evenPort(true)]),
    )
    assert.equal(world.asked.length, 2)
    world.occupied.add(50_001)
    const [refused] = world.answerBinds()
    assert.equal(read(refused!.bytes).code, 508)
    assert.deepEqual([world.sockets.size, world.server.counters().freePorts], [0, 4])
  })
})
