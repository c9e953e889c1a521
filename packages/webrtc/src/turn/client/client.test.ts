import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import { describe, test } from "node:test"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import fc from "fast-check"
import { type Address, equalBytes, formatAddress, writeUint16 } from "../../bytes/index.ts"
import { type Datagram, HEADROOM } from "../../contract/index.ts"
import type { Hmac } from "../../crypto/index.ts"
import {
  Attribute,
  hasValidIntegrity,
  hasValidIntegritySha256,
  MessageClass,
  Method,
  StunWriter,
} from "../../stun/index.ts"
import { address, seededCrypto } from "../testing/world.ts"
import { Script, SERVER } from "./testing/script.ts"

const text = (text: string): Uint8Array => new TextEncoder().encode(text)
const hash = (algorithm: "md5" | "sha256", of: string): Uint8Array =>
  createHash(algorithm).update(of).digest()
const SHA1: Hmac = nodeCrypto.hmac("sha1", hash("md5", "user:realm:pass"))
const STRANGER = address("6.6.6.6:3478")
const PEER = address("8.8.8.8:9000")

/** "obMatJos2" and the features: password algorithms, username anonymity. */
const COOKIE = { none: "obMatJos2AAAA", algorithms: "obMatJos2gAAA", both: "obMatJos2wAAA" }
const MD5_THEN_SHA256 = Uint8Array.of(0, 1, 0, 0, 0, 2, 0, 0)
const UNKNOWN_THEN_SHA256 = Uint8Array.of(0, 9, 0, 1, 7, 0, 0, 0, 0, 2, 0, 0)

function challenge(nonce: string, algorithms?: Uint8Array, realm = "realm") {
  return {
    fill: (writer: StunWriter) => {
      writer.text(Attribute.realm, realm)
      writer.text(Attribute.nonce, nonce)
      if (algorithms !== undefined) writer.attribute(Attribute.passwordAlgorithms, algorithms)
    },
  }
}

const LIFETIME = 3600

function grant(...relayed: Address[]) {
  return (writer: StunWriter) => {
    for (const { ip, port } of relayed) writer.xorAddress(Attribute.xorRelayedAddress, ip, port)
    writer.xorAddress(Attribute.xorMappedAddress, Uint8Array.of(1, 2, 3, 4), 5000)
    writer.uint32(Attribute.lifetime, LIFETIME)
  }
}

/** With an allocation on a server of RFC 5389. */
function allocated(transport: "udp" | "tcp" = "udp", options: ConstructorParameters<typeof Script>[0] = {}) {
  const script = new Script(options, transport)
  script.allocate()
  script.refuse(401, challenge("nonce"))
  script.answer({ fill: grant(address("5.5.5.5:50000")), sha1: SHA1 })
  assert.equal(script.events.pop()?.type, "allocated")
  return script
}

const failureOf = (script: Script) => {
  const event = script.events.at(-1)
  assert.ok(event?.type === "failed", JSON.stringify(event))
  return event.failure
}

describe("the long-term credentials of a client", () => {
  test("RFC 5389: the first request is bare, the second has USERNAME, REALM, NONCE and an HMAC-SHA1", () => {
    const script = new Script()
    script.allocate()
    assert.equal(script.request.integrityAt, -1)
    assert.equal(script.request.has(Attribute.username), false)
    const { transactionId } = script.request
    script.refuse(401, challenge("nonce"))
    const { request } = script
    assert.notDeepEqual(request.transactionId, transactionId)
    assert.deepEqual(request.value(Attribute.username), text("user"))
    assert.deepEqual(request.value(Attribute.nonce), text("nonce"))
    assert.equal(request.has(Attribute.passwordAlgorithms), false)
    assert.ok(hasValidIntegrity(request, SHA1))
  })

  for (const [name, algorithms, number, digest] of [
    ["the server's first", MD5_THEN_SHA256, 1, "md5"],
    ["the first that is known", UNKNOWN_THEN_SHA256, 2, "sha256"],
  ] as const)
    test(`RFC 8489: of PASSWORD-ALGORITHMS ${name} is taken, and only HMAC-SHA256 used`, () => {
      const key = nodeCrypto.hmac("sha256", hash(digest, "user:realm:pass"))
      const script = new Script()
      script.allocate()
      script.refuse(401, challenge(`${COOKIE.algorithms}x`, algorithms))
      const { request } = script
      assert.deepEqual(request.value(Attribute.passwordAlgorithms), algorithms)
      assert.equal(request.uint32(Attribute.passwordAlgorithm), number * 0x10000)
      assert.equal(request.integrityAt, -1)
      assert.ok(hasValidIntegritySha256(request, key))
      script.answer({ fill: grant(SERVER), sha1: nodeCrypto.hmac("sha1", hash(digest, "user:realm:pass")) })
      assert.equal(script.events.length, 0, "an answer bid down to SHA-1 is none")
      script.answer({ fill: grant(SERVER), sha256: key })
      assert.equal(script.events[0]?.type, "allocated")
    })

  test("username anonymity: the hash goes out, the name does not", () => {
    const script = new Script()
    script.allocate()
    script.refuse(401, challenge(COOKIE.both, MD5_THEN_SHA256))
    assert.deepEqual(
      Buffer.from(script.request.value(Attribute.userhash)!).toString("hex"),
      Buffer.from(hash("sha256", "user:realm")).toString("hex"),
    )
    assert.equal(script.request.has(Attribute.username), false)
  })

  test("algorithms that somebody took out of the challenge are missed", () => {
    const script = new Script()
    script.allocate()
    script.refuse(401, challenge(COOKIE.algorithms))
    assert.equal(failureOf(script).reason, "bid-down")
    assert.equal(script.sent.length, 1)

    const later = new Script()
    later.allocate()
    later.refuse(401, challenge(COOKIE.algorithms, MD5_THEN_SHA256))
    later.refuse(438, challenge("another"))
    assert.equal(failureOf(later).reason, "bid-down")
  })

  test("a nonce that promises algorithms makes an answer without them none, signed or not", () => {
    const script = allocated()
    script.client.permit([PEER.ip], script.now, script.out)
    script.answer({ sha1: SHA1, fill: writer => writer.text(Attribute.nonce, COOKIE.algorithms) })
    assert.equal(script.events.length, 0)
    script.answer({ sha1: SHA1, fill: writer => writer.text(Attribute.nonce, COOKIE.none) })
    assert.equal(script.events.at(0)?.type, "permitted")
  })

  test("no algorithm that is known, and challenges that cannot be read", () => {
    for (const [answer, reason] of [
      [challenge(COOKIE.algorithms, Uint8Array.of(0, 9, 0, 0)), "no-password-algorithm"],
      [challenge(COOKIE.algorithms, new Uint8Array(300)), "unreadable"],
      [challenge("n".repeat(764)), "unreadable"],
      [challenge("nonce", undefined, "r".repeat(764)), "unreadable"],
      [{}, "unreadable"],
    ] as const) {
      const script = new Script()
      script.allocate()
      script.refuse(401, answer)
      assert.equal(failureOf(script).reason, reason)
      assert.equal(script.sent.length, 1)
    }
  })

  test("the longest username, realm, nonce and algorithms fit, with as many peers as one request has", () => {
    const realm = "r".repeat(763)
    const username = "u".repeat(508)
    const key = nodeCrypto.hmac("sha256", hash("md5", `${username}:${realm}:pass`))
    const algorithms = new Uint8Array(256)
    algorithms[1] = 1
    const script = new Script({ username })
    script.allocate()
    script.refuse(401, challenge(COOKIE.both + "n".repeat(750), algorithms, realm))
    script.answer({ fill: grant(address("[2a00::5]:50000")), sha256: key })
    assert.equal(
      script.events.at(-1)?.type,
      undefined,
      "an IPv6 address that was not asked for is given back",
    )
    assert.equal(script.request.uint32(Attribute.lifetime), 0)
    const other = new Script({ username, families: "v6" })
    other.allocate()
    other.refuse(401, challenge(COOKIE.both + "n".repeat(750), algorithms, realm))
    other.answer({ fill: grant(address("[2a00::5]:50000")), sha256: key })
    const peers = Array.from({ length: 40 }, (_, i) => address(`[2a01::${i + 1}]:1`).ip)
    other.client.permit(peers, other.now, other.out)
    const asked = other.sent.slice(2).map(({ bytes }) => bytes.length)
    assert.equal(asked.length, 3)
  })

  test("the same credentials are not tried twice, and a server cannot keep us asking", () => {
    const script = new Script()
    script.allocate()
    script.refuse(401, challenge("nonce"))
    script.refuse(401, challenge("nonce"))
    assert.equal(failureOf(script).reason, "unauthenticated")
    const other = new Script()
    other.allocate()
    for (let i = 0; i < 100 && other.events.length === 0; i++) other.refuse(438, challenge(`nonce ${i}`))
    assert.equal(failureOf(other).reason, "stale-nonce")
    assert.equal(other.sent.length, 5)
  })

  test("over UDP what is not authenticated never came, and is told in place of the timeout", () => {
    const script = new Script()
    script.allocate()
    script.refuse(401, challenge("nonce"))
    script.refuse(400)
    script.refuse(486)
    script.answer({ fill: grant(SERVER) })
    script.answer({ fill: grant(SERVER), sha1: nodeCrypto.hmac("sha1", text("another key")) })
    assert.deepEqual(script.events, [])
    script.advance(39_499)
    assert.deepEqual(script.events, [])
    script.advance(1)
    assert.deepEqual(failureOf(script), { reason: "integrity-violated" })
  })

  test("over a stream it ends the request at once; nothing is sent twice there", () => {
    const script = new Script({}, "tcp")
    script.allocate()
    script.advance(39_000)
    assert.equal(script.sent.length, 1)
    script.refuse(401, challenge("nonce"))
    script.answer({ fill: grant(SERVER) })
    assert.deepEqual(failureOf(script), { reason: "integrity-violated" })
    const silent = new Script({}, "tls")
    silent.allocate()
    silent.advance(39_500)
    assert.deepEqual(failureOf(silent), { reason: "timeout" })
  })
})

describe("what an Allocate asks for", () => {
  const asked = (options: ConstructorParameters<typeof Script>[0]) => {
    const script = new Script(options)
    script.allocate()
    return script.request
  }

  test("no more than UDP, unless the options say so", () => {
    const { attributeCount } = asked({})
    assert.equal(attributeCount, 1)
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
    for (const [what, once] of [
      ["ChannelData from a peer", receive(Uint8Array.of(0x40, 0, 0, 2, 1, 2))],
      ["a Data indication", receive(indication)],
      ["ChannelData to a peer", send(PEER)],
      ["a Send indication", send(other)],
    ] as const) {
      const run = () => {
        for (let i = 0; i < PACKETS; i++) once()
      }
      run()
      run()
      collectGarbage()
      const before = process.memoryUsage().heapUsed
      run()
      const perPacket = (process.memoryUsage().heapUsed - before) / PACKETS
      // The smallest object has 12 bytes or more; what the engine needs for itself is less than that.
      assert.ok(perPacket < 10, `${what}: ${perPacket} bytes per packet`)
    }
    const { packetsFromPeers, packetsToPeers } = script.client.counters()
    assert.deepEqual([packetsFromPeers, packetsToPeers], [6 * PACKETS, 6 * PACKETS])
  })
})

describe("strangers", () => {
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    // As STUN, with a cookie and a length that fits.
    fc.tuple(fc.nat(0x3fff), fc.uint8Array({ minLength: 12, maxLength: 200 })).map(([type, rest]) => {
      const bytes = new Uint8Array(8 + ((rest.length - 12) & ~3) + 12)
      writeUint16(bytes, 0, type)
      writeUint16(bytes, 2, bytes.length - 20)
      bytes.set([0x21, 0x12, 0xa4, 0x42], 4)
      bytes.set(rest.subarray(0, bytes.length - 8), 8)
      return bytes
    }),
    fc.uint8Array({ minLength: 2, maxLength: 60 }).map(bytes => {
      bytes[0] = 0x40
      bytes[1] = 0
      return bytes
    }),
  )

  const seen = ({ client, events, sent, heard }: Script) =>
    JSON.stringify([client.nextTick, events, sent.length, heard.length, client.counters()])

  test("no bytes throw, and nothing that is not the server's changes anything", () => {
    const script = allocated()
    script.client.bindChannel(PEER, script.now, script.out)
    const before = seen(script)
    fc.assert(
      fc.property(anything, fc.boolean(), (bytes, asIfAnswer) => {
        if (asIfAnswer && bytes.length >= 20) bytes.set(script.request.transactionId, 8)
        script.deliver(bytes, STRANGER)
        assert.equal(seen(script), before)
      }),
      { numRuns: 2000 },
    )
  })

  test("no bytes from the server's address throw, and without the key none is believed", () => {
    const script = allocated()
    script.client.bindChannel(PEER, script.now, script.out)
    const { request } = script
    const sent = script.sent.length
    fc.assert(
      fc.property(anything, fc.boolean(), (bytes, asIfAnswer) => {
        if (asIfAnswer && bytes.length >= 20) {
          bytes.set([0x01, bytes[1]! & 1 ? 0x09 : 0x19])
          bytes.set(request.transactionId, 8)
        }
        script.deliver(bytes)
        assert.deepEqual([script.events.length, script.sent.length], [0, sent])
      }),
      { numRuns: 2000 },
    )
    script.answer({ sha1: SHA1 }, request)
    assert.equal(script.events[0]?.type, "channel-bound", "what it waits for is still taken")
  })

  test("an answer changed by one bit is none", () => {
    const script = allocated()
    script.client.permit([PEER.ip], script.now, script.out)
    const { request } = script
    let right: Uint8Array = new Uint8Array(0)
    const deliver = script.deliver.bind(script)
    script.deliver = bytes => {
      right = bytes.slice()
    }
    const fill = (writer: StunWriter) => writer.text(Attribute.software, "server")
    script.answer({ sha1: SHA1, fingerprint: true, fill }, request)
    // Under another name FINGERPRINT is one of those that follow the integrity, and are not read (RFC 8489 §14.5).
    const name = right.length - 8
    for (let bit = 0; bit < 8 * right.length; bit++) {
      if (bit >> 3 === name || bit >> 3 === name + 1) continue
      const wrong = right.slice()
      wrong[bit >> 3]! ^= 1 << (bit & 7)
      deliver(wrong)
      assert.deepEqual(script.events, [], `bit ${bit}`)
    }
    deliver(right)
    assert.equal(script.events[0]?.type, "permitted")
  })
})
