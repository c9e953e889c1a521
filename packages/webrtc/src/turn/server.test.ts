import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { formatAddress, parseIp } from "../bytes/index.ts"
import { Attribute, MessageClass, Method, StunWriter } from "../stun/index.ts"
import { addressIn, Client, newTransactionId, read } from "./testing/client.ts"
import { address, EPOCH, LISTENER, LISTENERS, SECRET, World } from "./testing/world.ts"

const PEER = address("8.8.8.8:9000")
const data = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes)

describe("TurnServer", () => {
  test("a whole dialogue: allocate, permit, bind, data both ways, refresh, farewell", () => {
    const world = new World()
    const client = new Client(world, "1.2.3.4:5000")
    const { message: success } = client.allocate()
    assert.match(formatAddress(client.relayed!), /^5\.5\.5\.5:50\d\d\d$/)
    assert.deepEqual(addressIn(success, Attribute.xorMappedAddress), client.address)
    assert.equal(success.uint32(Attribute.lifetime), 600)
    assert.equal(client.permit(PEER).code, 0)

    const out = client.sendTo(PEER, data(1, 2, 3))
    assert.deepEqual(
      out.map(sent => [formatAddress(sent.to), [...sent.bytes]]),
      [["8.8.8.8:9000", [1, 2, 3]]],
    )
    assert.equal(out[0]!.socket, world.socketOn(client.relayed!.port))

    const [indication] = client.hear(PEER, data(4, 5, 6, 7, 8))
    const { message } = read(indication!.bytes)
    assert.equal(message.class, MessageClass.indication)
    assert.equal(message.method, Method.data)
    assert.deepEqual([...message.value(Attribute.data)!], [4, 5, 6, 7, 8])
    assert.deepEqual(addressIn(message, Attribute.xorPeerAddress), PEER)

    assert.equal(client.bind(0x4000, PEER).code, 0)
    assert.deepEqual([...client.channelData(0x4000, data(9, 9))[0]!.bytes], [9, 9])
    assert.deepEqual([...client.hear(PEER, data(7))[0]!.bytes], [0x40, 0, 0, 1, 7])

    assert.equal(client.refresh(1000).message.uint32(Attribute.lifetime), 1000)
    assert.equal(client.refresh(0).message.uint32(Attribute.lifetime), 0)
    assert.equal(world.sockets.size, 0)
    assert.equal(world.server.counters().allocations, 0)
    assert.equal(world.server.counters().freePorts, 2000)
    assert.equal(world.server.nextTick, Infinity)
    assert.deepEqual(
      world.events.map(event => event.type),
      ["allocated", "freed"],
    )
    const freed = world.events[1]!
    assert.ok(freed.type === "freed")
    assert.deepEqual([freed.reason, freed.bytesToPeers, freed.bytesToClient], ["refresh-zero", 5, 6])
    assert.deepEqual(
      world.evidence.map(evidence => evidence.kind),
      ["allocated", "permitted", "bound-channel", "freed"],
    )
  })

  test("the same over IPv6, for an IPv6 client", () => {
    const world = new World()
    const client = new Client(world, "[2a01::1]:5000")
    const peer = address("[2a02::2]:9000")
    client.allocate(writer => writer.addressFamily(Attribute.requestedAddressFamily, 2))
    assert.match(formatAddress(client.relayed!), /^\[2a00::5\]:50\d\d\d$/)
    assert.equal(client.permit(peer).code, 0)
    assert.equal(formatAddress(client.sendTo(peer, data(1))[0]!.to), "[2a02::2]:9000")
    const { message } = read(client.hear(peer, data(1, 2))[0]!.bytes)
    assert.deepEqual(addressIn(message, Attribute.xorPeerAddress), peer)
    assert.equal(client.bind(0x4fff, peer).code, 0)
    assert.deepEqual([...client.hear(peer, data(7))[0]!.bytes], [0x4f, 0xff, 0, 1, 7])
  })

  test("Binding requests are answered without credentials, and not amplified", () => {
    const world = new World()
    for (const [host, fingerprint, length] of [
      ["1.2.3.4:5000", false, 32],
      ["[2a01::1]:5000", false, 44],
      ["1.2.3.4:5001", true, 40],
    ] as const) {
      const client = new Client(world, host)
      const request = client.plain(Method.binding, () => {}, fingerprint)
      const { message, bytes } = client.answer(client.send(request))
      assert.deepEqual(addressIn(message, Attribute.xorMappedAddress), client.address)
      assert.equal(bytes.length, length)
      assert.ok(bytes.length <= 2.2 * request.length)
      assert.equal(message.fingerprintAt >= 0, fingerprint)
    }
    assert.equal(world.server.counters().bindingRequests, 3)
  })

  test("420 lists what is not understood, authenticated or not", () => {
    const world = new World()
    const client = new Client(world, "1.2.3.4:5000")
    const binding = client.answer(client.send(client.plain(Method.binding, writer => writer.flag(0x7000))))
    assert.equal(binding.code, 420)
    assert.deepEqual([...binding.message.value(Attribute.unknownAttributes)!], [0x70, 0])
    client.challenge()
    const allocate = client.allocate(writer => {
      writer.flag(Attribute.dontFragment)
      writer.flag(0x7001)
    })
    assert.equal(allocate.code, 420)
    assert.deepEqual([...allocate.message.value(Attribute.unknownAttributes)!], [0, 0x1a, 0x70, 1])
    assert.ok(allocate.message.integrityAt >= 0)
    assert.equal(world.server.counters().allocations, 0)
  })

  test("what is no request of TURN is dropped and counted", () => {
    const world = new World()
    const client = new Client(world, "1.2.3.4:5000")
    const message = (messageClass: MessageClass, method: number, fill?: (writer: StunWriter) => void) => {
      const bytes = new Uint8Array(200)
      const writer = new StunWriter()
      writer.begin(bytes, 0, 200, messageClass, method, newTransactionId())
      fill?.(writer)
      return bytes.slice(0, writer.end())
    }
    const badFingerprint = message(MessageClass.request, Method.binding, writer => writer.fingerprint())
    badFingerprint[27]! ^= 1
    for (const bytes of [
      data(),
      data(20, 1, 2, 3),
      data(80, 0, 0, 0),
      data(0x40),
      data(0, 1, 0, 0),
      badFingerprint,
      message(MessageClass.success, Method.binding),
      message(MessageClass.error, Method.allocate),
      message(MessageClass.request, Method.send),
      message(MessageClass.request, Method.data),
      message(MessageClass.request, 0x00a),
      message(MessageClass.indication, Method.allocate),
      message(MessageClass.indication, Method.data),
      message(MessageClass.indication, Method.send, writer => writer.flag(Attribute.dontFragment)),
      message(MessageClass.indication, Method.send),
      message(MessageClass.indication, Method.binding),
    ]) {
      assert.deepEqual(client.send(bytes), [])
    }
    const { drops } = world.server.counters()
    assert.equal(drops.malformed, 5)
    assert.equal(drops["bad-fingerprint"], 1)
    assert.equal(drops.unexpected, 8)
    assert.equal(drops["no-allocation"], 1)
    assert.equal(world.evidence.length, 0)
  })

  test("close frees everything, and nothing moves afterwards", () => {
    const world = new World()
    const client = new Client(world, "1.2.3.4:5000")
    client.allocate()
    client.bind(0x4000, PEER)
    const late = new Client(world, "1.2.3.5:5000", "ben")
    late.challenge()
    world.binds = "held"
    late.send(late.signed(Method.allocate, writer => writer.requestedTransport(17)))
    world.binds = "at-once"
    assert.deepEqual(world.close(), [])
    assert.equal(world.server.nextTick, Infinity)
    // The socket that comes too late is closed at once.
    assert.deepEqual(world.answerBinds(), [])
    assert.equal(world.sockets.size, 0)
    assert.equal(world.server.counters().freePorts, 2000)
    assert.deepEqual(client.send(client.plain(Method.binding)), [])
    assert.deepEqual(
      world.events.map(event => (event.type === "freed" ? event.reason : event.type)),
      ["allocated", "server-closed"],
    )
  })

  test("a client over TCP is told apart, and its allocation ends with its connection", () => {
    const world = new World()
    world.paths.carry(LISTENER, "tcp")
    const client = new Client(world, "1.2.3.4:5000")
    client.allocate()
    client.bind(0x4000, PEER)
    const [allocated] = world.evidence
    assert.ok(allocated?.kind === "allocated")
    assert.equal(allocated.transport, "tcp")
    assert.deepEqual(world.server.counters().allocationsOver, { udp: 0, tcp: 1, tls: 0 })
    assert.deepEqual(world.lose(client.address), [])
    assert.deepEqual(world.server.counters().allocationsOver, { udp: 0, tcp: 0, tls: 0 })
    const [, freed] = world.events
    assert.ok(freed?.type === "freed")
    assert.equal(freed.reason, "connection-closed")
    assert.deepEqual([world.sockets.size, world.paths.held, world.server.nextTick], [0, 0, Infinity])
    // The same address again is another client.
    assert.equal(client.allocate().code, 0)
  })

  test("a connection that ends while its socket is awaited, or that has nothing, leaves nothing", () => {
    const world = new World()
    const client = new Client(world, "1.2.3.4:5000")
    world.lose(client.address)
    client.challenge()
    world.binds = "held"
    client.send(client.signed(Method.allocate, writer => writer.requestedTransport(17)))
    assert.equal(world.server.counters().allocations, 1)
    world.lose(client.address)
    assert.equal(world.server.counters().allocations, 0)
    assert.deepEqual(world.answerBinds(), [])
    assert.deepEqual([world.sockets.size, world.paths.held, world.events.length], [0, 0, 0])
    assert.equal(world.server.counters().freePorts, 2000)
  })

  test("a relay socket that was closed is nobody's: its number may be another's next", () => {
    const world = new World()
    const client = new Client(world, "1.2.3.4:5000")
    client.allocate()
    client.permit(PEER)
    const socket = world.socketOn(client.relayed!.port)
    assert.equal(world.deliver(socket, PEER, data(255)).length, 1)
    client.refresh(0)
    assert.deepEqual(world.deliver(socket, PEER, data(255)), [])
    assert.equal(world.server.counters().packetsToClients, 1)
  })

  test("options that make no sense are refused by name", () => {
    const fails = (options: object, name: RegExp) => assert.throws(() => new World(options), name)
    fails({ secrets: [] }, /secrets/)
    fails({ secrets: [new Uint8Array(0)] }, /secrets/)
    fails({ realm: "" }, /realm/)
    fails({ realm: 'a"b' }, /realm/)
    fails({ realm: "x".repeat(128) }, /realm/)
    fails({ epoch: Number.NaN }, /epoch/)
    fails({ relayedAddress: {} }, /relayedAddress/)
    fails({ relayedAddress: { v4: parseIp("::1")! } }, /relayedAddress\.v4/)
    fails({ relayPorts: { min: 60_000, max: 50_000 } }, /relay ports/)
    fails({ relayPorts: { min: 0, max: 50_000 } }, /relay ports/)
    fails({ limits: { channels: 0 } }, /limits\.channels/)
    fails({ limits: { maxLifetime: 10 } }, /limits\.maxLifetime/)
    fails({ peers: { allow: ["10.0.0.0/33"] } }, /allow: "10\.0\.0\.0\/33"/)
    fails({ peers: { allow: ["10.0.0.1/8"] } }, /allow: "10\.0\.0\.1\/8"/)
    fails({ peers: { denyAddresses: ["example.org"] } }, /denyAddresses: "example\.org"/)
    fails({ peers: { allow: ["::ffff:10.0.0.0/104"] } }, /allow: .* carries IPv4/)
  })

  test("10,000 Allocates without credentials leave nothing behind, whatever nonce they bring", () => {
    const world = new World({}, 65_536)
    const known = new Client(world, "9.9.9.9:9")
    known.challenge()
    for (let i = 0; i < 10_000; i++) {
      const client = new Client(world, `1.2.${i >> 8}.${i & 255}:5000`)
      const bytes =
        i % 3 === 0
          ? client.plain(Method.allocate, writer => writer.requestedTransport(17))
          : client.signed(Method.allocate, writer => writer.requestedTransport(17), {
              // Somebody else's nonce, or a made-up one.
              nonce: i % 3 === 1 ? known.nonce! : new Uint8Array(16).fill(65),
            })
      const sent = client.send(bytes)
      assert.equal(sent.length, 1)
      assert.equal(read(sent[0]!.bytes).code, i % 3 === 0 ? 401 : 438)
    }
    assert.equal(world.sockets.size, 0)
    assert.equal(world.asked.length, 0)
    assert.equal(world.server.counters().allocations, 0)
    assert.equal(world.server.nextTick, Infinity)
    assert.deepEqual([world.events.length, world.evidence.length], [0, 0])
    assert.equal(world.paths.held, 0)
  })

  test("100,000 damaged packets, to the client's side and to the peer's, throw nothing", () => {
    const listeners = ["5.5.5.5:1", "5.5.5.5:2", "6.6.6.6:1", "6.6.6.6:2"].map((text, i) => ({
      socket: LISTENERS[i]!,
      address: address(text),
    }))
    const world = new World({
      limits: { allocations: 50, allocationsPerUser: 50 },
      mobility: true,
      tcpPeers: true,
      secondAddress: { listeners: [listeners[0]!, listeners[1]!, listeners[2]!, listeners[3]!] },
    })
    const client = new Client(world, "1.2.3.4:5000")
    const { message: allocated } = client.allocate(writer => writer.flag(Attribute.mobilityTicket))
    const ticket = allocated.value(Attribute.mobilityTicket)!.slice()
    client.permit(PEER)
    client.bind(0x4000, PEER)
    const peers = [PEER, client.relayed!]
    const templates = [
      client.signed(Method.allocate, writer => writer.requestedTransport(17), { fingerprint: true }),
      client.signed(Method.refresh, writer => writer.uint32(Attribute.lifetime, 900)),
      client.signed(Method.createPermission, writer =>
        writer.xorAddress(Attribute.xorPeerAddress, PEER.ip, 1),
      ),
      client.signed(Method.refresh, writer => writer.attribute(Attribute.mobilityTicket, ticket)),
      client.signed(Method.allocate, writer => writer.requestedTransport(6)),
      client.signed(Method.connect, writer => writer.xorAddress(Attribute.xorPeerAddress, PEER.ip, 1)),
      client.signed(Method.connectionBind, writer => writer.uint32(Attribute.connectionId, 1)),
      client.plain(Method.binding, () => {}, true),
      client.plain(Method.binding, writer => {
        writer.uint32(Attribute.changeRequest, 6)
        writer.uint32(Attribute.responsePort, 0x17700000)
      }),
      client.plain(Method.binding, writer => writer.zeros(Attribute.padding, 40)),
      data(0x40, 0, 0, 4, 1, 2, 3, 4),
    ]
    for (const peer of peers) {
      const bytes = new Uint8Array(60)
      const writer = new StunWriter()
      writer.begin(bytes, 0, 60, MessageClass.indication, Method.send, newTransactionId())
      writer.xorAddress(Attribute.xorPeerAddress, peer.ip, peer.port)
      writer.attribute(Attribute.data, data(1, 2, 3))
      templates.push(bytes.slice(0, writer.end()))
    }
    let state = 1
    const random = (below: number) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return Math.floor((state / 2 ** 32) * below)
    }
    const relay = world.socketOn(client.relayed!.port)
    for (let i = 0; i < 100_000; i++) {
      const bytes = templates[random(templates.length)]!.slice()
      for (let changes = random(4); changes > 0; changes--) bytes[random(bytes.length)] = random(256)
      const cut = random(4) === 0 ? bytes.subarray(0, random(bytes.length + 1)) : bytes
      if (random(8) === 0) world.deliver(relay, PEER, cut)
      else client.send(cut)
      world.sent.length = 0
    }
    assert.ok(world.server.counters().allocations <= 1)
    assert.ok(world.evidence.length < 1000)
  })

  test("secrets can be rotated: old and new credentials are good", () => {
    const newer = new TextEncoder().encode("a newer secret")
    const world = new World({ secrets: [newer, SECRET] })
    const old = new Client(world, "1.2.3.4:5000")
    assert.equal(old.allocate().code, 0)
    const without = new World({ secrets: [newer] })
    assert.equal(new Client(without, "1.2.3.4:5000").allocate().code, 401)
  })

  test("expired credentials open nothing, and cut off nothing that they opened", () => {
    const world = new World()
    const client = new Client(world, "1.2.3.4:5000", "ada", EPOCH / 1000 + 60)
    client.allocate()
    world.advance(59_999)
    const second = new Client(world, "1.2.3.4:5001", "ada", EPOCH / 1000 + 60)
    assert.equal(second.allocate().code, 0)
    world.advance(1)
    const third = new Client(world, "1.2.3.4:5002", "ada", EPOCH / 1000 + 60)
    assert.equal(third.allocate().code, 401)
    assert.equal(client.refresh(600).code, 0)
    assert.equal(client.permit(PEER).code, 0)
  })
})
