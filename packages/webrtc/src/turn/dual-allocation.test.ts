import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { type Address, formatAddress, parseIp } from "../bytes/index.ts"
import { AddressSlot, Attribute, Method, readXorAddress, type StunWriter } from "../stun/index.ts"
import type { TurnServerOptions } from "./index.ts"
import { type Answer, Client, newTransactionId, read } from "./testing/client.ts"
import { address, type Sent, World } from "./testing/world.ts"

const PEER4 = address("8.8.8.8:9000")
const PEER6 = address("[2a02::2]:9000")
const DATA = Uint8Array.of(1, 2, 3)
const dual = (writer: StunWriter) => writer.addressFamily(Attribute.additionalAddressFamily, 2)
const family = (number: number) => (writer: StunWriter) =>
  writer.addressFamily(Attribute.requestedAddressFamily, number)
const farewell = (number: number) => (writer: StunWriter) => {
  writer.uint32(Attribute.lifetime, 0)
  family(number)(writer)
}

function relayedIn({ message }: Answer): Address[] {
  const found: Address[] = []
  const type = Attribute.xorRelayedAddress
  for (let i = message.indexOf(type); i >= 0; i = message.indexOf(type, i + 1)) {
    const slot = new AddressSlot()
    assert.ok(readXorAddress(message, i, slot))
    found.push(slot.copy())
  }
  return found
}

function setUp(options: Partial<TurnServerOptions> = {}) {
  const world = new World(options)
  const client = new Client(world, "1.2.3.4:5000")
  const answer = client.allocate(dual)
  const [v4, v6] = relayedIn(answer)
  const hear = (from: Address): Sent[] => {
    const to = from.ip.length === 4 ? v4! : v6!
    return world.deliver(socketOf(world, to), from, DATA)
  }
  return { world, client, answer, v4: v4!, v6: v6!, hear }
}

function socketOf(world: World, relayed: Address): number {
  const family = relayed.ip.length === 4 ? 4 : 6
  for (const [socket, bound] of world.sockets) {
    if (bound.port === relayed.port && bound.family === family) return socket
  }
  throw new Error(`nobody relays from ${formatAddress(relayed)}`)
}

function leftNothing(world: World): void {
  const { allocations, freePorts } = world.server.counters()
  assert.deepEqual([allocations, freePorts, world.sockets.size, world.paths.held], [0, 2000, 0, 0])
  assert.equal(world.server.nextTick, Infinity)
}

describe("ADDITIONAL-ADDRESS-FAMILY (RFC 8656 §7.2)", () => {
  test("relays from an IPv4 and an IPv6 address: indications and channels, both ways, each its own family", () => {
    const { world, client, answer, v4, v6, hear } = setUp()
    assert.equal(answer.code, 0)
    assert.match(formatAddress(v4), /^5\.5\.5\.5:50\d\d\d$/)
    assert.match(formatAddress(v6), /^\[2a00::5\]:50\d\d\d$/)
    assert.equal(client.permit(PEER4, PEER6).code, 0)
    for (const [peer, relayed] of [
      [PEER4, v4],
      [PEER6, v6],
    ] as const) {
      const [sent] = client.sendTo(peer, DATA)
      assert.deepEqual([sent!.to, sent!.socket], [peer, socketOf(world, relayed)])
      const { message } = read(hear(peer)[0]!.bytes)
      assert.deepEqual([...message.value(Attribute.data)!], [...DATA])
    }
    assert.equal(client.bind(0x4000, PEER4).code, 0)
    assert.equal(client.bind(0x4001, PEER6).code, 0)
    assert.deepEqual(client.channelData(0x4000, DATA)[0]!.to, PEER4)
    assert.deepEqual(client.channelData(0x4001, DATA)[0]!.to, PEER6)
    assert.deepEqual([...hear(PEER4)[0]!.bytes.subarray(0, 2)], [0x40, 0])
    assert.deepEqual([...hear(PEER6)[0]!.bytes.subarray(0, 2)], [0x40, 1])
    assert.equal(client.refresh(0).code, 0)
    leftNothing(world)
    assert.deepEqual(
      world.events.map(({ type }) => type),
      ["allocated", "allocated", "freed", "freed"],
    )
  })

  test("by the number that the draft had for it, too, as coturn's client sends it", () => {
    const ofDraft = (writer: StunWriter) => writer.addressFamily(Attribute.additionalAddressFamilyOfDraft, 2)
    const client = new Client(new World(), "1.2.3.4:5000")
    assert.equal(relayedIn(client.allocate(ofDraft)).length, 2)
    const other = new Client(new World(), "1.2.3.4:5001")
    assert.equal(
      other.allocate(writer => writer.addressFamily(Attribute.additionalAddressFamilyOfDraft, 1)).code,
      400,
    )
  })

  test("a channel number has one peer, whichever the family; permissions are of all or none", () => {
    const { client } = setUp({ limits: { permissions: 1 } })
    assert.equal(client.bind(0x4000, PEER4).code, 0)
    assert.equal(client.bind(0x4000, PEER6).code, 400)
    assert.equal(client.permit(PEER6, address("8.8.8.9:1")).code, 508)
    assert.deepEqual(client.sendTo(PEER6, DATA), [])
    assert.equal(client.permit(PEER6, PEER4).code, 0)
    assert.equal(client.sendTo(PEER6, DATA).length, 1)
  })

  test("a denied peer is denied in both", () => {
    const { client } = setUp()
    for (const peer of ["127.0.0.1:80", "[::1]:80", "[::ffff:10.0.0.1]:80"]) {
      assert.equal(client.permit(PEER4, address(peer)).code, 403)
      assert.equal(client.bind(0x4000, address(peer)).code, 403)
    }
  })

  test("is answered once, when both sockets are there, and the same to a retransmission", () => {
    const world = new World()
    world.binds = "held"
    const client = new Client(world, "1.2.3.4:5000")
    client.challenge()
    const transactionId = newTransactionId()
    const fill = (writer: StunWriter) => {
      writer.requestedTransport(17)
      dual(writer)
    }
    const request = client.signed(Method.allocate, fill, { transactionId })
    assert.deepEqual([client.send(request), client.send(request)], [[], []])
    assert.equal(world.asked.length, 2)
    const [first, second] = world.asked.splice(0)
    world.asked.push(first!)
    assert.deepEqual(world.answerBinds(), [])
    assert.equal(client.refresh(600).code, 437)
    world.asked.push(second!)
    const answer = client.answer(world.answerBinds())
    assert.equal(relayedIn(answer).length, 2)
    const again = client.answer(client.send(request))
    assert.deepEqual(relayedIn(again), relayedIn(answer))
  })

  test("of which one can be had it is told why the other could not: 440, 508", () => {
    const error = (answer: Answer) => [...answer.message.value(Attribute.addressErrorCode)!]
    const onlyIpv4 = setUp({ relayedAddress: { v4: parseIp("5.5.5.5")! } })
    assert.deepEqual([relayedIn(onlyIpv4.answer).length, error(onlyIpv4.answer)], [1, [2, 0, 4, 40]])
    const onlyIpv6 = setUp({ relayedAddress: { v6: parseIp("2a00::5")! } })
    assert.deepEqual([relayedIn(onlyIpv6.answer)[0]!.ip.length, error(onlyIpv6.answer)], [16, [1, 0, 4, 40]])

    const narrow = new World({ relayPorts: { min: 50_000, max: 50_000 } })
    new Client(narrow, "1.2.3.4:1").allocate()
    const rest = new Client(narrow, "1.2.3.4:2").allocate(dual)
    assert.deepEqual([relayedIn(rest)[0]!.ip.length, error(rest)], [16, [1, 0, 5, 8]])
    const none = new Client(narrow, "1.2.3.4:3").allocate(dual)
    assert.equal(none.code, 508)
  })

  for (const failing of [0, 1]) {
    test(`one socket that cannot be had does not take the other: the ${failing === 0 ? "first" : "second"} fails`, () => {
      const world = new World()
      world.binds = "held"
      const client = new Client(world, "1.2.3.4:5000")
      client.challenge()
      client.send(
        client.signed(Method.allocate, writer => {
          writer.requestedTransport(17)
          dual(writer)
        }),
      )
      const asked = world.asked.splice(0)
      const sent = asked.flatMap((request, i) => {
        world.refuseBinds = i === failing
        world.asked.push(request)
        return world.answerBinds()
      })
      world.refuseBinds = false
      world.binds = "at-once"
      const answer = client.answer(sent)
      assert.deepEqual(
        relayedIn(answer).map(({ ip }) => ip.length),
        [failing === 0 ? 16 : 4],
      )
      assert.deepEqual(
        [...answer.message.value(Attribute.addressErrorCode)!],
        [failing === 0 ? 1 : 2, 0, 5, 8],
      )
      assert.equal(world.server.counters().allocations, 1)
      assert.equal(client.permit(failing === 0 ? PEER6 : PEER4).code, 0)
      assert.equal(client.permit(failing === 0 ? PEER4 : PEER6).code, 443)
      client.refresh(0)
      leftNothing(world)
    })
  }

  test("508 when neither can be had, and nothing is left", () => {
    const world = new World()
    world.refuseBinds = true
    assert.equal(new Client(world, "1.2.3.4:5000").allocate(dual).code, 508)
    leftNothing(world)
    assert.deepEqual(world.events, [])
  })

  test("400 beside REQUESTED-ADDRESS-FAMILY, for IPv4, and for what is unreadable", () => {
    const client = new Client(new World(), "1.2.3.4:5000")
    const additional = Attribute.additionalAddressFamily
    for (const fill of [
      (w: StunWriter) => [family(1)(w), dual(w)],
      (w: StunWriter) => [family(2)(w), dual(w)],
      (w: StunWriter) => w.addressFamily(additional, 1),
      (w: StunWriter) => w.addressFamily(additional, 3),
      (w: StunWriter) => w.attribute(additional, Uint8Array.of(2)),
    ]) {
      assert.equal(client.allocate(fill).code, 400)
    }
  })

  test("counts twice for its user, and in all", () => {
    const world = new World({ limits: { allocationsPerUser: 3, allocations: 4 } })
    assert.equal(new Client(world, "1.2.3.4:1").allocate(dual).code, 0)
    assert.equal(new Client(world, "1.2.3.4:2").allocate(dual).code, 486)
    assert.equal(new Client(world, "1.2.3.4:2").allocate().code, 0)
    assert.equal(new Client(world, "1.2.3.4:3", "ben").allocate(dual).code, 508)
    assert.equal(new Client(world, "1.2.3.4:3", "ben").allocate().code, 0)
  })
})

describe("the life of a dual allocation (RFC 8656 §8)", () => {
  for (const [gone, left, peerGone, peerLeft] of [
    [1, 2, PEER4, PEER6],
    [2, 1, PEER6, PEER4],
  ] as const) {
    test(`family ${gone} can be given back alone, with its permissions and channels; the other is untouched`, () => {
      const { world, client, hear } = setUp()
      client.permit(PEER4, PEER6)
      client.bind(0x4000, peerGone)
      client.bind(0x4001, peerLeft)
      assert.equal(client.request(Method.refresh, farewell(gone)).code, 0)
      assert.equal(world.sockets.size, 1)
      assert.deepEqual(client.channelData(0x4000, DATA), [])
      assert.deepEqual(client.sendTo(peerGone, DATA), [])
      assert.equal(client.bind(0x4002, peerGone).code, 443)
      assert.deepEqual(client.channelData(0x4001, DATA)[0]!.to, peerLeft)
      assert.equal(hear(peerLeft).length, 1)
      assert.equal(client.request(Method.refresh, family(gone)).code, 443)
      assert.equal(client.request(Method.refresh, family(left)).code, 0)
      assert.equal(client.request(Method.refresh, farewell(left)).code, 0)
      assert.equal(client.refresh(600).code, 437)
      leftNothing(world)
    })
  }

  test("each family is refreshed by name, or both at once; what is not expires alone", () => {
    const { world, client } = setUp()
    world.advance(500_000)
    assert.equal(client.request(Method.refresh, family(2)).code, 0)
    world.advance(100_000)
    assert.equal(world.server.counters().allocations, 1)
    assert.equal(client.permit(PEER6).code, 0)
    assert.equal(client.permit(PEER4).code, 443)
    const both = new Client(world, "1.2.3.4:6000")
    both.allocate(dual)
    world.advance(500_000)
    both.refresh(600)
    world.advance(500_000)
    assert.equal(world.server.counters().allocations, 2)
    world.advance(100_000)
    leftNothing(world)
  })

  test("ends with its connection, with its user, with the server, whole", () => {
    const ends = [
      (world: World) => world.lose(address("1.2.3.4:5000")),
      (world: World) => world.revoke("room:ada", 1000),
      (world: World) => world.close(),
    ]
    for (const end of ends) {
      const { world, client } = setUp()
      client.bind(0x4000, PEER4)
      client.bind(0x4001, PEER6)
      end(world)
      leftNothing(world)
    }
  })

  test("a connection that ends between the two sockets leaves nothing, and nothing is told", () => {
    const world = new World()
    world.binds = "held"
    const client = new Client(world, "1.2.3.4:5000")
    client.challenge()
    client.send(
      client.signed(Method.allocate, writer => {
        writer.requestedTransport(17)
        dual(writer)
      }),
    )
    const late = world.asked.pop()!
    world.answerBinds()
    world.binds = "at-once"
    world.lose(client.address)
    world.asked.push(late)
    assert.deepEqual(world.answerBinds(), [])
    leftNothing(world)
    assert.deepEqual(world.events, [])
  })

  test("two of them reach each other inside the process, in each family", () => {
    const world = new World()
    const [ada, ben] = ["ada", "ben"].map((name, i) => {
      const client = new Client(world, `1.2.3.${i + 1}:1`, name)
      return { client, relayed: relayedIn(client.allocate(dual)) }
    }) as [{ client: Client; relayed: Address[] }, { client: Client; relayed: Address[] }]
    for (const i of [0, 1]) {
      ada.client.bind(0x4000 + i, ben.relayed[i]!)
      ben.client.bind(0x4100 + i, ada.relayed[i]!)
      const [sent] = ada.client.channelData(0x4000 + i, DATA)
      assert.deepEqual(sent!.to, ben.client.address)
      assert.deepEqual([...sent!.bytes.subarray(0, 2)], [0x41, i])
    }
  })
})
