import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import { type Address, equalBytes, formatAddress, writeUint16 } from "../../bytes/index.ts"
import { type Datagram, HEADROOM } from "../../contract/index.ts"
import { Attribute, MessageClass, Method, StunWriter } from "../../stun/index.ts"
import { address, seededCrypto } from "../testing/world.ts"
import {
  allocated,
  challenge,
  failureOf,
  grant,
  LIFETIME,
  PEER,
  Script,
  SERVER,
  SHA1,
  STRANGER,
} from "./testing/script.ts"

describe("what an Allocate asks for", () => {
  const asked = (options: ConstructorParameters<typeof Script>[0]) => {
    const script = new Script(options)
    script.allocate()
    return script.request
  }

  test("no more than UDP, unless the options say so", () => {
    const plain = asked({})
    assert.equal(plain.attributeCount, 2)
    assert.ok(plain.has(Attribute.requestedTransport) && plain.has(Attribute.software))
    const even = asked({ evenPort: "even", lifetime: 1200 })
    assert.deepEqual(even.value(Attribute.evenPort), Uint8Array.of(0))
    assert.equal(even.uint32(Attribute.lifetime), 1200)
    assert.deepEqual(asked({ evenPort: "reserve-next" }).value(Attribute.evenPort), Uint8Array.of(0x80))
    assert.equal(asked({ families: "v6" }).uint32(Attribute.requestedAddressFamily), 2 * 0x1000000)
    const reservationToken = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)
    assert.deepEqual(asked({ reservationToken }).value(Attribute.reservationToken), reservationToken)
  })
})

describe("what the server answers", () => {
  test("both families of a dual allocation, or the one that there is and why not the other", () => {
    const script = new Script({ families: "both" })
    script.allocate()
    assert.equal(script.request.uint32(Attribute.additionalAddressFamily), 2 * 0x1000000)
    script.answer({ fill: grant(address("5.5.5.5:50000"), address("[2a00::5]:50001")) })
    const event = script.events[0]
    assert.ok(event?.type === "allocated")
    assert.deepEqual(event.relayed.map(formatAddress), ["5.5.5.5:50000", "[2a00::5]:50001"])
    const half = new Script({ families: "both" })
    half.allocate()
    half.answer({
      fill: writer => {
        grant(address("5.5.5.5:50000"))(writer)
        writer.attribute(Attribute.addressErrorCode, Uint8Array.of(2, 0, 4, 40))
      },
    })
    const told = half.events[0]
    assert.ok(told?.type === "allocated")
    assert.deepEqual(told.refusedFamily, { family: 6, code: 440 })
  })

  test("an address of a family that was not asked for is given back", () => {
    const script = new Script()
    script.allocate()
    script.answer({ fill: grant(address("[2a00::5]:50001")) })
    assert.deepEqual([script.request.method, script.request.uint32(Attribute.lifetime)], [Method.refresh, 0])
    script.answer({})
    assert.equal(failureOf(script).reason, "address-family-not-supported")
  })

  test("300 leads to another server, never to one where we have been", () => {
    const script = new Script()
    const alternate = (server: Address) => ({
      fill: (writer: StunWriter) => {
        const value = new Uint8Array(8)
        value[1] = 1
        writeUint16(value, 2, server.port)
        value.set(server.ip, 4)
        writer.attribute(Attribute.alternateServer, value)
        writer.text(Attribute.alternateDomain, "turn.example.com")
      },
    })
    const second = address("5.5.5.6:443")
    script.allocate()
    script.refuse(300, alternate(second))
    assert.deepEqual(script.events.splice(0), [
      { type: "try-alternate", server: second, domain: "turn.example.com" },
    ])
    assert.equal(script.paths.holds(script.paths.open(0, SERVER)), 0)
    script.allocate(second)
    script.refuse(300, { ...alternate(SERVER), from: second })
    assert.equal(failureOf(script).reason, "redirection-loop")

    const long = new Script({ limits: { alternates: 3 } })
    let server = SERVER
    for (let i = 0; i < 4; i++) {
      long.allocate(server)
      server = address(`5.5.6.${i}:3478`)
      long.refuse(300, { ...alternate(server), from: long.sent.at(-1)!.to })
    }
    assert.equal(failureOf(long).reason, "redirection-loop")
  })

  for (const [code, reason] of [
    [403, "forbidden"],
    [420, "unknown-attribute"],
    [437, "allocation-mismatch"],
    [440, "address-family-not-supported"],
    [441, "wrong-credentials"],
    [442, "unsupported-transport-address"],
    [486, "allocation-quota-reached"],
    [500, "server-error"],
    [508, "insufficient-capacity"],
    [699, "refused"],
  ] as const)
    test(`${code} is ${reason}, and the path is let go`, () => {
      const script = new Script()
      script.allocate()
      script.refuse(401, challenge("nonce"))
      script.refuse(code, { sha1: SHA1 })
      const failure = failureOf(script)
      assert.deepEqual([failure.reason, failure.code], [reason, code])
      assert.equal(failure.retryAfter, code === 486 || code === 508 ? 60_000 : undefined)
      assert.equal(script.paths.holds(script.paths.open(0, SERVER)), 0)
      assert.equal(script.client.nextTick, Infinity)
    })

  test("after a third 437 the server wants two minutes of peace", () => {
    const script = new Script()
    for (const retryAfter of [undefined, undefined, 120_000]) {
      script.allocate()
      script.refuse(437)
      assert.equal(failureOf(script).retryAfter, retryAfter)
    }
  })

  test("an allocation whose answers were lost is freed and asked for anew, where nobody else can have made it", () => {
    const script = new Script({ mismatch: "forgotten" })
    script.allocate()
    script.refuse(401, challenge("nonce"))
    script.refuse(437, { sha1: SHA1 })
    assert.equal(script.request.method, Method.refresh)
    assert.equal(script.request.uint32(Attribute.lifetime), 0)
    script.answer({ fill: writer => writer.uint32(Attribute.lifetime, 0), sha1: SHA1 })
    assert.equal(script.request.method, Method.allocate)
    // It was not ours then.
    script.refuse(437, { sha1: SHA1 })
    assert.equal(failureOf(script).reason, "allocation-mismatch")
  })

  test("a server that forgets at once is not asked for ever", () => {
    const script = allocated()
    script.client.permit([PEER.ip], script.now, script.out)
    script.refuse(437, { sha1: SHA1 })
    const event = script.events.at(-1)
    assert.ok(event?.type === "lost" && !event.isRenewed)
  })

  test("clients that came together do not all refresh together, and none too late", () => {
    const times = Array.from({ length: 50 }, (_, seed) => {
      const script = allocated("udp", { crypto: seededCrypto(seed) })
      return script.client.nextTick / 1000
    })
    for (const time of times) assert.ok(time > LIFETIME - 90 && time <= LIFETIME - 60, `${time} s`)
    assert.ok(new Set(times).size > 40)
    // However short the lifetime, it is not asked for more than once a second.
    const short = allocated()
    short.advance(short.client.nextTick)
    assert.equal(short.request.method, Method.refresh)
    short.answer({ fill: writer => writer.uint32(Attribute.lifetime, 2), sha1: SHA1 })
    const wait = short.client.nextTick - short.now
    assert.ok(wait >= 1000 && wait < 1334, `${wait} ms`)
  })

  test("the stream's end is the allocation's", () => {
    const script = allocated("tcp")
    const path = script.paths.open(0, SERVER)
    script.client.closed(path, script.now, script.out)
    const lost = { type: "lost", failure: { reason: "connection-closed" }, isRenewed: false }
    assert.deepEqual(script.events, [lost])
    assert.equal(script.paths.holds(path), 0)
  })
})

describe("limits", () => {
  test("permissions, channels and requests under way", () => {
    const script = allocated("udp", { limits: { permissions: 20, channels: 2, requests: 3 } })
    const before = script.sent.length
    const peer = (i: number): Address => address(`8.8.8.${i}:9000`)
    for (let i = 0; i < 4; i++) script.client.bindChannel(peer(i), script.now, script.out)
    const refused = script.events.splice(0)
    assert.deepEqual(
      refused.map(event => event.type === "channel-refused" && event.failure.reason),
      ["too-many", "too-many"],
    )
    assert.equal(script.sent.length - before, 3)
    const more = Array.from({ length: 20 }, (_, i) => peer(100 + i).ip)
    script.client.permit(more, script.now, script.out)
    assert.equal(script.events.splice(0).filter(event => event.type === "permission-refused").length, 4)
    script.client.bindChannel(peer(200), script.now, script.out)
    assert.deepEqual(
      script.events.map(event => event.type),
      ["permission-refused", "channel-refused"],
    )
    assert.equal(script.sent.length - before, 3, "more requests wait until one is answered")
    script.answer({ sha1: SHA1 })
    assert.ok(script.sent.length - before > 3)
  })

  test("a Refresh waits for nobody", () => {
    const script = allocated("udp", { limits: { requests: 1 } })
    script.advance(script.client.nextTick - 1)
    script.client.permit([PEER.ip], script.now, script.out)
    assert.equal(script.request.method, Method.createPermission)
    script.advance(1)
    assert.equal(script.request.method, Method.refresh)
  })

  test("a channel that nobody wants keeps its number for fifteen minutes", () => {
    const script = allocated("tcp", { limits: { channels: 1 } })
    script.client.bindChannel(PEER, script.now, script.out)
    script.answer({ sha1: SHA1 })
    script.client.forget(PEER.ip, script.now)
    const other = address("8.8.4.4:9000")
    const bind = (): string | undefined => {
      script.client.bindChannel(other, script.now, script.out)
      return script.events.splice(0).at(-1)?.type
    }
    assert.equal(bind(), "channel-refused")
    script.now += 899_999
    assert.equal(bind(), "channel-refused")
    script.now += 1
    assert.notEqual(bind(), "channel-refused")
  })

  test("options that no server could answer are refused, by name", () => {
    const reservationToken = new Uint8Array(8)
    for (const [options, name] of [
      [{ reservationToken: new Uint8Array(7) }, /reservationToken/],
      [{ reservationToken, evenPort: "even" }, /reservationToken/],
      [{ reservationToken, families: "v6" }, /reservationToken/],
      [{ families: "both", evenPort: "reserve-next" }, /evenPort/],
      [{ lifetime: 0 }, /lifetime/],
      [{ username: "u".repeat(509) }, /username/],
      [{ limits: { channels: 0 } }, /limits\.channels/],
    ] as const)
      assert.throws(() => new Script(options), name)
  })
})

describe("data", () => {
  test("is handed on in place, of wanted peers only, however the server wraps it", () => {
    const script = allocated()
    script.client.bindChannel(PEER, script.now, script.out)
    const channelData = Uint8Array.of(0x40, 0, 0, 3, 1, 2, 3, 0)
    script.deliver(channelData)
    const indication = (from: Address, data: Uint8Array, unknown = 0x8000) =>
      script.answer({
        class: MessageClass.indication,
        method: Method.data,
        fill: writer => {
          writer.flag(unknown)
          writer.xorAddress(Attribute.xorPeerAddress, from.ip, from.port)
          writer.attribute(Attribute.data, data)
        },
      })
    indication(address("8.8.8.8:1"), Uint8Array.of(4, 5))
    indication(address("8.8.8.9:1"), Uint8Array.of(6))
    indication(PEER, Uint8Array.of(7), 0x7fff)
    script.deliver(Uint8Array.of(0x40, 1, 0, 0))
    script.deliver(Uint8Array.of(0x40, 0, 0, 1))
    script.deliver(Uint8Array.of(0x40))
    assert.deepEqual(
      script.heard.map(({ from, data }) => [from, [...data]]),
      [
        ["8.8.8.8:9000", [1, 2, 3]],
        ["8.8.8.8:1", [4, 5]],
      ],
    )
    assert.equal(script.client.counters().dropped, 5)
    script.deliver(channelData, STRANGER)
    assert.equal(script.heard.length, 2)
    script.client.forget(PEER.ip, script.now)
    script.deliver(channelData)
    indication(PEER, Uint8Array.of(4, 5))
    assert.equal(script.heard.length, 2, "nobody is forgotten by half")
  })

  test("of every length goes out as it should: Send indications padded, ChannelData not", () => {
    for (const length of [0, 1, 2, 3, 4, 1200, 65_000]) {
      const script = allocated()
      const data = new Uint8Array(length).fill(7)
      script.client.permit([PEER.ip], script.now, script.out)
      assert.equal(script.client.send(PEER, data, script.now, script.out), false, "no permission yet")
      script.answer({ sha1: SHA1 })
      assert.equal(script.client.send(PEER, data, script.now, script.out), true)
      const { request } = script
      assert.equal(request.method, Method.send)
      assert.deepEqual(request.value(Attribute.data), data)
      script.client.bindChannel(PEER, script.now, script.out)
      script.answer({ sha1: SHA1 })
      script.client.send(PEER, data, script.now, script.out)
      const { bytes } = script.sent.at(-1)!
      assert.deepEqual([...bytes.subarray(0, 4)], [0x40, 0, length >> 8, length & 255])
      assert.ok(equalBytes(bytes.subarray(4), data))
    }
  })
})

describe("the packet path", () => {
  test("allocates nothing", () => {
    setFlagsFromString("--expose-gc")
    const collectGarbage = runInNewContext("gc") as () => void
    const script = allocated("udp", { crypto: nodeCrypto, onData: () => {} })
    const other = address("8.8.4.4:9000")
    script.client.permit([other.ip], script.now, script.out)
    script.answer({ sha1: SHA1 })
    script.client.bindChannel(PEER, script.now, script.out)
    script.answer({ sha1: SHA1 })
    const slab = new Uint8Array(1400)
    const view = new DataView(slab.buffer)
    const nowhere = { ...script.out, bytes: slab, view, reserve: () => 0, commit: () => {} }
    const indication = new Uint8Array(40)
    const writer = new StunWriter()
    writer.begin(indication, 0, 40, MessageClass.indication, Method.data, new Uint8Array(12))
    writer.xorAddress(Attribute.xorPeerAddress, other.ip, other.port)
    writer.attribute(Attribute.data, new Uint8Array(4))
    const path = script.paths.open(0, SERVER)
    const receive = (packet: Uint8Array) => {
      const d: Datagram = { bytes: slab, view, offset: HEADROOM, length: packet.length, path, ecn: 0 }
      return () => {
        for (let at = 0; at < packet.length; at++) slab[HEADROOM + at] = packet[at]!
        script.client.receive(d, 1000, nowhere)
      }
    }
    const send = (peer: Address) => () => {
      assert.ok(script.client.reserve(peer, 1200, 1000, nowhere) > 0)
      script.client.commit(1200, nowhere)
    }
    const PACKETS = 100_000
    const ROUNDS = 5
    for (const [what, once] of [
      ["ChannelData from a peer", receive(Uint8Array.of(0x40, 0, 0, 2, 1, 2))],
      ["a Data indication", receive(indication)],
      ["ChannelData to a peer", send(PEER)],
      ["a Send indication", send(other)],
    ] as const) {
      const run = () => {
        for (let i = 0; i < PACKETS; i++) once()
      }
      const measure = (): number => {
        collectGarbage()
        const before = process.memoryUsage().heapUsed
        run()
        return (process.memoryUsage().heapUsed - before) / PACKETS
      }
      // Code that is not optimized yet puts numbers on the heap, and on a busy machine that lasts: what a packet
      // allocates by itself, it allocates in each of these.
      const perPacket = Math.min(...Array.from({ length: ROUNDS }, measure))
      // The smallest object has 12 bytes or more; what the engine needs for itself is less than that.
      assert.ok(perPacket < 10, `${what}: ${perPacket} bytes per packet`)
    }
    const { packetsFromPeers, packetsToPeers } = script.client.counters()
    assert.deepEqual([packetsFromPeers, packetsToPeers], [2 * ROUNDS * PACKETS, 2 * ROUNDS * PACKETS])
  })
})
