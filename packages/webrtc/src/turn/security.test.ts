import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { describe, type TestContext, test } from "node:test"
import { type Address, formatAddress, formatIp } from "../bytes/index.ts"
import { Attribute, FINGERPRINT_LENGTH, fingerprintOf, Method, type StunWriter } from "../stun/index.ts"
import { PeerPolicy, type PeerVerdict } from "./peer-policy.ts"
import { SPECIAL_PURPOSE_IPV4 } from "./special-purpose.ts"
import { Client, LONG_ALLOCATE, read } from "./testing/client.ts"
import { address, DEFAULTS, seededCrypto, World } from "./testing/world.ts"

/**
 * What went wrong in other relays, and does not here: the numbers are those of the table "What is proven" in
 * `docs/turn.md`, which also names the tests of other files.
 */

const PEER = address("8.8.8.8:9000")
const DATA = Uint8Array.of(1, 2, 3)
const ipv6 = (writer: StunWriter) => writer.addressFamily(Attribute.requestedAddressFamily, 2)

function allocated(world: World, host: string, participant = "ada", fill?: (writer: StunWriter) => void) {
  const client = new Client(world, host, participant)
  assert.equal(client.allocate(fill).code, 0)
  return client
}

/** What comes of a peer by each method that names one, and by hearing from it. */
function tryAll(client: Client, peer: Address) {
  return {
    permission: client.permit(peer).code,
    channel: client.bind(0x4000, peer).code,
    sent: client.sendTo(peer, DATA).length,
    heard: client.hear(peer, DATA).length,
  }
}

const NO_WAY = { permission: 403, channel: 403, sent: 0, heard: 0 }

describe("no way into the network that the relay stands in", () => {
  test("2. nothing is open by default: no secret, no server; no loopback peer", () => {
    assert.throws(() => new World({ secrets: [] }), /secrets/)
    assert.throws(() => new World({ secrets: [new Uint8Array(0)] }), /secrets/)
    const world = new World()
    assert.deepEqual(tryAll(allocated(world, "1.2.3.4:1"), address("127.0.0.1:5766")), NO_WAY)
  })

  test("3. 0.0.0.0, :: and ::1 are no way to loopback", () => {
    const world = new World()
    assert.deepEqual(tryAll(allocated(world, "1.2.3.4:1"), address("0.0.0.0:22")), NO_WAY)
    const client = allocated(world, "1.2.3.4:2", "ada", ipv6)
    for (const peer of ["[::]:22", "[::1]:22"]) assert.deepEqual(tryAll(client, address(peer)), NO_WAY)
  })

  test("4. an IPv4 address inside of an IPv6 one is judged as what it is: mapped, compatible, 6to4, NAT64", () => {
    const client = allocated(new World(), "1.2.3.4:1", "ada", ipv6)
    const carriers: Record<string, (ip: Uint8Array) => number[]> = {
      mapped: ip => [...new Uint8Array(10), 0xff, 0xff, ...ip],
      compatible: ip => [...new Uint8Array(12), ...ip],
      "6to4": ip => [0x20, 2, ...ip, ...new Uint8Array(10).fill(1)],
      NAT64: ip => [0, 0x64, 0xff, 0x9b, ...new Uint8Array(8), ...ip],
      "NAT64 of one's own": ip => [0, 0x64, 0xff, 0x9b, 0, 1, ...new Uint8Array(6), ...ip],
      Teredo: ip => [0x20, 1, 0, 0, ...new Uint8Array(8), ...ip.map(byte => 255 - byte)],
    }
    for (const [name, carry] of Object.entries(carriers)) {
      for (const range of SPECIAL_PURPOSE_IPV4) {
        const peer = { ip: Uint8Array.from(carry(range.ip)), port: 80 }
        assert.deepEqual(tryAll(client, peer), NO_WAY, `${formatIp(range.ip)}, ${name}`)
      }
    }
    assert.equal(client.permit(address("[::ffff:8.8.8.8]:80")).code, 0)
  })

  test("8. without any option no special-purpose peer is admitted; it takes a range that names it", () => {
    const { crypto, epoch, secrets, relayedAddress } = DEFAULTS
    const bare = { crypto, epoch, secrets, relayedAddress, realm: "test" }
    assert.deepEqual(tryAll(allocated(new World(bare), "1.2.3.4:1"), address("10.0.0.1:80")), NO_WAY)
    const open = new World({ ...bare, peers: { allow: ["10.0.0.1"] } })
    const { permission } = tryAll(allocated(open, "1.2.3.4:1"), address("10.0.0.1:80"))
    assert.equal(permission, 0)
  })
})

describe("7. every path goes through authorizePeer()", () => {
  type Judge = (this: PeerPolicy, ip: Uint8Array, port: number, protocol?: "udp" | "tcp") => PeerVerdict

  /** Takes the place of the policy: notes whom it is asked about, and says what it is told to. */
  function judge(t: TestContext) {
    const asked: string[] = []
    const judgement = { denies: false, asked }
    const genuine: Judge = Reflect.get(PeerPolicy.prototype, "authorizePeer")
    t.mock.method(
      PeerPolicy.prototype,
      "authorizePeer",
      function (this: PeerPolicy, ip: Uint8Array, port: number, protocol?: "udp" | "tcp") {
        asked.push(formatAddress({ ip, port }))
        return judgement.denies ? "denied" : genuine.call(this, ip, port, protocol)
      },
    )
    return judgement
  }

  test("each asks about the peer that it is for", t => {
    const judgement = judge(t)
    const world = new World()
    const client = allocated(world, "1.2.3.4:1")
    const other = allocated(world, "1.2.3.5:1", "ben")
    const askedBy = (act: () => unknown): string[] => {
      judgement.asked.length = 0
      act()
      return [...judgement.asked]
    }
    assert.deepEqual(
      askedBy(() => client.permit(address("8.8.8.1:1"))),
      ["8.8.8.1:1"],
    )
    assert.deepEqual(
      askedBy(() => client.bind(0x4000, address("8.8.8.2:2"))),
      ["8.8.8.2:2"],
    )
    assert.deepEqual(
      askedBy(() => client.sendTo(address("8.8.8.1:3"), DATA)),
      ["8.8.8.1:3"],
    )
    assert.deepEqual(
      askedBy(() => client.hear(address("8.8.8.1:4"), DATA)),
      ["8.8.8.1:4"],
    )
    const relayed = formatAddress(other.relayed!)
    client.bind(0x4001, other.relayed!)
    assert.deepEqual(
      askedBy(() => client.channelData(0x4001, DATA)),
      [relayed],
    )
    other.permit(client.relayed!)
    const both = askedBy(() => client.sendTo(other.relayed!, DATA))
    assert.deepEqual(both, [relayed, formatAddress(client.relayed!)], "once for each end")
  })

  test("where it denies, none lets anything through", t => {
    const judgement = judge(t)
    const world = new World()
    const client = allocated(world, "1.2.3.4:1")
    const other = allocated(world, "1.2.3.5:1", "ben")
    client.permit(PEER)
    client.bind(0x4001, other.relayed!)
    other.permit(client.relayed!)
    assert.equal(client.sendTo(PEER, DATA).length + client.hear(PEER, DATA).length, 2)
    judgement.denies = true
    assert.deepEqual(tryAll(client, PEER), NO_WAY)
    assert.deepEqual(client.channelData(0x4001, DATA), [])
    assert.deepEqual(client.sendTo(other.relayed!, DATA), [])
  })
})

describe("what is not authenticated changes nothing", () => {
  test("10. attributes behind MESSAGE-INTEGRITY are not acted on, with a FINGERPRINT that covers them too", () => {
    const client = allocated(new World(), "1.2.3.4:1")
    const more = client
      .plain(Method.refresh, writer => {
        writer.uint32(Attribute.lifetime, 3000)
        writer.xorAddress(Attribute.xorPeerAddress, PEER.ip, PEER.port)
      })
      .subarray(20)
    const tamper = (bytes: Uint8Array) => {
      const whole = new Uint8Array([...bytes, ...more, ...new Uint8Array(FINGERPRINT_LENGTH)])
      const view = new DataView(whole.buffer)
      view.setUint16(2, whole.length - 20)
      const at = whole.length - FINGERPRINT_LENGTH
      view.setUint32(at, 0x8028_0004)
      view.setUint32(at + 4, fingerprintOf(whole, 0, at))
      return whole
    }
    const refreshed = client.request(Method.refresh, () => {}, { tamper })
    assert.equal(refreshed.message.uint32(Attribute.lifetime), 600)
    assert.equal(client.request(Method.createPermission, () => {}, { tamper }).code, 400)
  })

  test("11. of an attribute that is there twice, the first counts", () => {
    const world = new World()
    const client = allocated(world, "1.2.3.4:1")
    const second = address("9.9.9.9:9")
    const refreshed = client.request(Method.refresh, writer => {
      writer.uint32(Attribute.lifetime, 700)
      writer.uint32(Attribute.lifetime, 0)
    })
    assert.equal(refreshed.message.uint32(Attribute.lifetime), 700)
    client.request(Method.channelBind, writer => {
      writer.channelNumber(0x4000)
      writer.channelNumber(0x4001)
      for (const { ip, port } of [PEER, second]) writer.xorAddress(Attribute.xorPeerAddress, ip, port)
    })
    assert.deepEqual(client.channelData(0x4000, DATA)[0]?.to, PEER)
    assert.deepEqual(client.channelData(0x4001, DATA), [])
    assert.deepEqual(client.hear(second, DATA), [])
  })

  test("12. a forged first packet chooses neither the realm nor anything else for who comes after it", () => {
    const world = new World()
    const client = new Client(world, "1.2.3.4:1")
    const forged = client.plain(Method.allocate, writer => {
      LONG_ALLOCATE(writer)
      writer.text(0x802f, "https://attacker.example") // ORIGIN
      writer.text(Attribute.realm, "attacker")
      writer.text(Attribute.username, "attacker")
      writer.text(Attribute.nonce, "obMatJos2wAAA-chosen-by-the-attacker")
    })
    const { message } = read(client.send(forged)[0]!.bytes)
    assert.equal(new TextDecoder().decode(message.value(Attribute.realm)), "test")
    assert.deepEqual([world.paths.held, world.sockets.size, world.evidence.length], [0, 0, 0])
    assert.equal(client.allocate().code, 0)
  })
})

describe("what must not be guessed", () => {
  test("13. nonces, ports, tokens and transaction ids come from Crypto and from nowhere else", () => {
    const run = (seed: number) => {
      const world = new World({ crypto: seededCrypto(seed) })
      const client = allocated(world, "1.2.3.4:1", "ada", writer => writer.evenPort(true))
      client.permit(PEER)
      // The transaction ids of the client are its own.
      const sent = [...world.sent, ...client.hear(PEER, DATA)].map(({ bytes }) => {
        const isOurs = bytes[1] === 0x17
        return Buffer.from(isOurs ? bytes : bytes.subarray(20)).toString("hex")
      })
      return { challenge: sent[0], indication: sent.at(-1), port: client.relayed!.port }
    }
    assert.deepEqual(run(1), run(1))
    const others = [2, 3, 4, 5, 6, 7, 8].map(run)
    for (const other of others) {
      assert.notEqual(other.challenge, run(1).challenge)
      assert.notEqual(other.indication, run(1).indication)
    }
    assert.ok(others.some(({ port }) => port !== run(1).port))
  })

  test("22. tags are compared in constant time, wherever one is compared", () => {
    for (const file of ["nonce.ts", "../stun/message-integrity.ts"]) {
      const source = readFileSync(new URL(file, import.meta.url), "utf8")
      assert.match(source, /equalInConstantTime\(/, file)
      assert.doesNotMatch(source, /equalBytes|\.every\(|Buffer\.compare/, file)
    }
  })
})

describe("what two ends can do to the relay", () => {
  test("25. two allocations that are each other's peers: each packet goes once, and may be limited", () => {
    const world = new World({ limits: { allocationBytesPerSecond: 3000 } })
    const [ada, ben] = [allocated(world, "1.2.3.4:1"), allocated(world, "1.2.3.5:1", "ben")]
    ada.bind(0x4000, ben.relayed!)
    ben.bind(0x4000, ada.relayed!)
    ada.bind(0x4001, ada.relayed!)
    const packet = new Uint8Array(1000)
    assert.equal(ada.channelData(0x4000, packet).length, 1)
    assert.equal(ada.channelData(0x4001, packet).length, 1)
    for (let i = 0; i < 10; i++) assert.deepEqual(ada.channelData(0x4000, packet), [])
    assert.equal(world.server.counters().drops["over-bandwidth"], 10)
  })

  test("28. what is neither STUN nor ChannelData is dropped by its first byte, from clients; from peers it is data", () => {
    const world = new World()
    const client = allocated(world, "1.2.3.4:1")
    client.bind(0x4000, PEER)
    for (let first = 0; first < 256; first++) {
      for (const length of [1, 3, 4, 19, 20, 21, 60, 1200]) {
        const bytes = new Uint8Array(length).fill(0x5a)
        bytes[0] = first
        assert.deepEqual(client.send(bytes), [], `${first}, ${length} bytes`)
        assert.equal(client.hear(PEER, bytes).length, 1)
      }
    }
    assert.equal(world.server.counters().packetsToPeers, 0)
  })
})
