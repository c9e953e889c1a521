import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { formatAddress, parseIp } from "../bytes/index.ts"
import { type Datagram, HEADROOM, type Out, type Path } from "../contract/index.ts"
import { Attribute, MessageClass, Method, StunWriter } from "../stun/index.ts"
import type { TurnEvent, TurnLimits } from "./index.ts"
import { addressIn, Client, read } from "./testing/client.ts"
import { address, POISON, type Sent, World } from "./testing/world.ts"

const PEER = address("8.8.8.8:9000")
const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i + 1)

function setUp(limits: Partial<TurnLimits> = {}) {
  const world = new World({ limits })
  const client = new Client(world, "1.2.3.4:5000")
  client.allocate()
  client.permit(PEER)
  return { world, client }
}

describe("ChannelData", () => {
  test("of any length, padded or not", () => {
    const { world, client } = setUp()
    client.bind(0x4000, PEER)
    for (const length of [0, 1, 2, 3, 4, 1200, 60_000]) {
      const data = bytes(length)
      const padded = new Uint8Array((length + 3) & ~3)
      padded.set(data)
      assert.deepEqual(client.channelData(0x4000, data)[0]!.bytes, data)
      assert.deepEqual(client.channelData(0x4000, padded, length)[0]!.bytes, data)
      assert.deepEqual(client.hear(PEER, data)[0]!.bytes.subarray(4), data)
    }
    const counters = world.server.counters()
    assert.equal(counters.packetsToPeers, 14)
    assert.equal(counters.packetsToClients, 7)
    assert.equal(counters.bytesToClients, 61_210)
    assert.equal(counters.bytesToPeers, 2 * 61_210)
  })

  test("too short for what it declares, on no channel, without an allocation: dropped", () => {
    const { world, client } = setUp()
    client.bind(0x4000, PEER)
    assert.deepEqual(client.channelData(0x4000, bytes(10), 11), [])
    assert.deepEqual(client.channelData(0x4000, bytes(10), 0xffff), [])
    assert.deepEqual(client.channelData(0x4001, bytes(10)), [])
    assert.deepEqual(client.channelData(0x5000, bytes(10)), [])
    const stranger = new Client(world, "1.2.3.5:5000")
    assert.deepEqual(stranger.channelData(0x4000, bytes(10)), [])
    const { drops } = world.server.counters()
    assert.deepEqual([drops.malformed, drops["no-channel"], drops["no-allocation"]], [3, 1, 1])
  })
})

describe("Send and Data indications", () => {
  test("of any length; padding is zero, and nothing of the slab gets out", () => {
    const { client } = setUp()
    for (const length of [0, 1, 2, 3, 4, 5, 1199, 1200]) {
      const data = bytes(length).fill(7)
      assert.deepEqual(client.sendTo(PEER, data)[0]!.bytes, data)
      const [sent] = client.hear(PEER, data)
      const { message } = read(sent!.bytes)
      assert.equal(message.method, Method.data)
      assert.deepEqual(message.value(Attribute.data), data)
      assert.equal(message.length, 20 + 12 + 4 + ((length + 3) & ~3))
      assert.ok(sent!.bytes.subarray(36 + length).every(byte => byte === 0))
    }
  })

  test("each Data indication has a transaction id of its own", () => {
    const { client } = setUp()
    const ids = new Set<string>()
    for (let i = 0; i < 1000; i++) ids.add(client.hear(PEER, bytes(1))[0]!.bytes.slice(8, 20).join())
    assert.equal(ids.size, 1000)
  })

  test("peers without a permission are dropped, counted, and told of once each, so many at most", () => {
    const world = new World({ limits: { unpermittedPeersNoted: 3 } })
    const client = new Client(world, "1.2.3.4:5000")
    client.allocate()
    for (let i = 0; i < 50; i++) client.hear(address(`9.9.9.${i % 5}:${1000 + i}`), bytes(1))
    const told = world.evidence.flatMap(e => (e.kind === "unpermitted-peer" ? [e.peer] : []))
    assert.deepEqual(told, ["9.9.9.0", "9.9.9.1", "9.9.9.2"])
    assert.equal(world.server.counters().drops["no-permission"], 50)
    assert.equal(world.server.counters().packetsToClients, 0)
  })

  test("Send to 65,535 ports of a permitted address holds no path", () => {
    const world = new World({}, 256)
    const client = new Client(world, "1.2.3.4:5000")
    client.allocate()
    client.permit(PEER)
    for (let port = 1; port < 65_536; port += 7) {
      assert.equal(client.sendTo({ ip: PEER.ip, port }, bytes(1)).length, 1)
    }
    assert.equal(client.refresh(600).code, 0)
  })

  test("every response and every relayed byte is what the protocol says, in a poisoned slab", () => {
    const { world, client } = setUp()
    client.bind(0x4000, PEER)
    client.refresh(700)
    client.sendTo(PEER, bytes(5).fill(1))
    client.hear(PEER, bytes(5).fill(1))
    client.request(Method.allocate)
    client.request(Method.refresh, writer => writer.flag(0x7001))
    client.send(client.plain(Method.refresh))
    const leaks = world.sent.filter(sent => {
      // A random byte may be the poison's; two in a row at the end of an attribute are not by chance.
      for (let i = 0; i + 3 < sent.bytes.length; i++) {
        if (sent.bytes.subarray(i, i + 3).every(byte => byte === POISON)) return true
      }
      return false
    })
    assert.deepEqual(leaks, [])
  })
})

describe("the packet path", () => {
  for (const limits of [{}, { allocationBytesPerSecond: 1e12, relayedBytesPerSecond: 1e12 }])
    test(`allocates nothing${"relayedBytesPerSecond" in limits ? ", with limited bandwidth too" : ""}`, () => {
      setFlagsFromString("--expose-gc")
      const collectGarbage = runInNewContext("gc") as () => void
      const { world, client } = setUp(limits)
      const other = address("8.8.4.4:9000")
      const ben = new Client(world, "1.2.3.5:5000", "ben")
      ben.allocate()
      client.bind(0x4000, PEER)
      client.permit(other)
      client.bind(0x4001, ben.relayed!)
      ben.bind(0x4000, client.relayed!)
      const relay = world.socketOn(client.relayed!.port)
      const slab = new Uint8Array(1400)
      const view = new DataView(slab.buffer)
      const send = new Uint8Array(40)
      const writer = new StunWriter()
      writer.begin(send, 0, 40, MessageClass.indication, Method.send, new Uint8Array(12))
      writer.xorAddress(Attribute.xorPeerAddress, other.ip, other.port)
      writer.attribute(Attribute.data, bytes(4))
      const cases: readonly (readonly [string, Path, Uint8Array])[] = [
        ["ChannelData to a peer", world.paths.open(0, client.address), Uint8Array.of(0x40, 0, 0, 2, 1, 2)],
        [
          "ChannelData to a relayed address",
          world.paths.open(0, client.address),
          Uint8Array.of(0x40, 1, 0, 1, 9),
        ],
        ["Send", world.paths.open(0, client.address), send],
        ["from a peer with a channel", world.paths.open(relay, PEER), bytes(9)],
        ["from a peer without", world.paths.open(relay, other), bytes(9)],
      ]
      const nowhere: Out<TurnEvent> = {
        paths: world.paths,
        bytes: slab,
        view,
        reserve: () => 0,
        commit: () => {},
        forward: () => {},
        ask: () => {},
        tell: () => {},
        note: () => {},
      }
      const PACKETS = 100_000
      for (const [what, path, packet] of cases) {
        world.paths.hold(path)
        const d: Datagram = { bytes: slab, view, offset: HEADROOM, length: packet.length, path, ecn: 0 }
        const run = () => {
          for (let i = 0; i < PACKETS; i++) {
            for (let at = 0; at < packet.length; at++) slab[HEADROOM + at] = packet[at]!
            world.server.receive(d, 1000, nowhere)
          }
        }
        const measure = (): number => {
          collectGarbage()
          const before = process.memoryUsage().heapUsed
          run()
          return (process.memoryUsage().heapUsed - before) / PACKETS
        }
        // Code that is not optimized yet puts numbers on the heap, and on a busy machine that lasts: what a packet
        // allocates by itself, it allocates in each of these.
        const perPacket = Math.min(...Array.from({ length: 5 }, measure))
        // The smallest object has 12 bytes or more; what the engine needs for itself is less than that.
        assert.ok(perPacket < 10, `${what}: ${perPacket} bytes per packet`)
      }
    })
})

describe("from one relayed address of this server to another", () => {
  function pair(ip = "5.5.5.5") {
    const world = new World({ relayedAddress: { v4: parseIp(ip)! } })
    const ada = new Client(world, "1.2.3.4:5000", "ada")
    const ben = new Client(world, "1.2.3.5:5000", "ben")
    ada.allocate()
    ben.allocate()
    return { world, ada, ben }
  }
  const only = (sent: Sent[], to: Client): Uint8Array => {
    assert.deepEqual(
      sent.map(one => [one.socket, formatAddress(one.to)]),
      [[0, formatAddress(to.address)]],
    )
    return sent[0]!.bytes
  }

  for (const ip of ["5.5.5.5", "127.0.0.1", "192.168.1.2"]) {
    test(`channels both ways, announced as ${ip}`, () => {
      const { world, ada, ben } = pair(ip)
      assert.equal(ada.bind(0x4000, ben.relayed!).code, 0)
      assert.equal(ben.bind(0x4abc, ada.relayed!).code, 0)
      assert.deepEqual([...only(ada.channelData(0x4000, bytes(3)), ben)], [0x4a, 0xbc, 0, 3, 1, 2, 3])
      assert.deepEqual([...only(ben.channelData(0x4abc, bytes(2)), ada)], [0x40, 0, 0, 2, 1, 2])
      const { packetsToPeers, packetsToClients } = world.server.counters()
      assert.deepEqual([packetsToPeers, packetsToClients], [2, 2])
    })
  }

  test("indications both ways, and mixed with channels", () => {
    const { ada, ben } = pair()
    ada.permit(ben.relayed!)
    ben.permit(ada.relayed!)
    for (const length of [0, 1, 4, 1000]) {
      const { message } = read(only(ada.sendTo(ben.relayed!, bytes(length).fill(9)), ben))
      assert.deepEqual(addressIn(message, Attribute.xorPeerAddress), ada.relayed)
      assert.deepEqual(message.value(Attribute.data), bytes(length).fill(9))
    }
    ada.bind(0x4000, ben.relayed!)
    const fromChannel = read(only(ada.channelData(0x4000, bytes(5)), ben)).message
    assert.deepEqual(fromChannel.value(Attribute.data), bytes(5))
    assert.deepEqual([...only(ben.sendTo(ada.relayed!, bytes(1)), ada)], [0x40, 0, 0, 1, 1])
  })

  test("only with the receiver's permission", () => {
    const { world, ada, ben } = pair()
    ada.bind(0x4000, ben.relayed!)
    assert.deepEqual(ada.channelData(0x4000, bytes(3)), [])
    assert.equal(world.server.counters().drops["no-permission"], 1)
    assert.ok(world.evidence.some(e => e.kind === "unpermitted-peer" && e.peer === "5.5.5.5"))
    ben.permit(ada.relayed!)
    assert.equal(ada.channelData(0x4000, bytes(3)).length, 1)
  })

  test("a relayed address that is gone is nobody, and the next who has it is somebody else", () => {
    const world = new World({
      relayedAddress: { v4: parseIp("127.0.0.1")! },
      relayPorts: { min: 50_000, max: 50_001 },
    })
    const ada = new Client(world, "1.2.3.4:5000", "ada")
    const ben = new Client(world, "1.2.3.5:5000", "ben")
    ada.allocate()
    ben.allocate()
    ada.bind(0x4000, ben.relayed!)
    ben.bind(0x4000, ada.relayed!)
    assert.equal(ada.channelData(0x4000, bytes(1)).length, 1)
    ben.refresh(0)
    assert.deepEqual(ada.channelData(0x4000, bytes(1)), [])
    assert.deepEqual(ada.sendTo(ben.relayed!, bytes(1)), [])
    assert.equal(ada.bind(0x4001, { ip: ben.relayed!.ip, port: 49_999 }).code, 403)
    const cem = new Client(world, "1.2.3.6:5000", "cem")
    cem.allocate()
    assert.deepEqual(cem.relayed, ben.relayed)
    assert.deepEqual(ada.channelData(0x4000, bytes(1)), [])
    cem.permit(ada.relayed!)
    assert.equal(ada.channelData(0x4000, bytes(1)).length, 1)
  })

  test("an address of our range that another process has is a peer like any other, where it is allowed", () => {
    const world = new World({
      relayedAddress: { v4: parseIp("127.0.0.1")! },
      relayPorts: { min: 50_000, max: 50_001 },
      peers: { allow: ["127.0.0.1"] },
    })
    const ada = new Client(world, "1.2.3.4:5000", "ada")
    ada.allocate()
    const other = { ip: ada.relayed!.ip, port: ada.relayed!.port === 50_000 ? 50_001 : 50_000 }
    ada.bind(0x4000, other)
    const overWire = [...ada.channelData(0x4000, bytes(3)), ...ada.sendTo(other, bytes(3))]
    assert.deepEqual(
      overWire.map(one => [formatAddress(one.to), one.bytes.length]),
      [
        [formatAddress(other), 3],
        [formatAddress(other), 3],
      ],
    )
    assert.deepEqual([...ada.hear(other, bytes(1))[0]!.bytes], [0x40, 0, 0, 1, 1])
  })

  test("to oneself: once around, not in a loop", () => {
    const { ada } = pair()
    ada.bind(0x4000, ada.relayed!)
    assert.deepEqual([...only(ada.channelData(0x4000, bytes(1)), ada)], [0x40, 0, 0, 1, 1])
  })

  test("the announced address is no way to other ports of this host", () => {
    const { ada, ben, world } = pair("192.168.1.2")
    ada.permit(ben.relayed!)
    const neighbour = { ip: ben.relayed!.ip, port: 22 }
    // The permission is for the address, and granted; its ports are judged one by one.
    assert.equal(ada.permit(neighbour).code, 0)
    assert.equal(ada.bind(0x4000, neighbour).code, 403)
    assert.deepEqual(ada.sendTo(neighbour, bytes(1)), [])
    assert.deepEqual(ada.hear(neighbour, bytes(1)), [])
    assert.equal(world.server.counters().drops["forbidden-peer"], 2)
  })
})
