import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { type Address, parseIp } from "../bytes/index.ts"
import { Attribute, Method } from "../stun/index.ts"
import { CHANNEL_COOL_DOWN, CHANNEL_LIFETIME } from "./channel.ts"
import type { TurnLimits } from "./index.ts"
import { PERMISSION_LIFETIME } from "./permission.ts"
import { Client } from "./testing/client.ts"
import { address, World } from "./testing/world.ts"

const PEER = address("8.8.8.8:9000")
const OTHER = address("8.8.4.4:9000")
const DATA = Uint8Array.of(1, 2, 3)

function setUp(limits: Partial<TurnLimits> = {}, pathCapacity = 4096) {
  const world = new World({ limits }, pathCapacity)
  const client = new Client(world, "1.2.3.4:5000")
  client.allocate(writer => writer.uint32(Attribute.lifetime, 3600))
  return { world, client }
}

const peers = (count: number): Address[] => Array.from({ length: count }, (_, i) => address(`8.8.9.${i}:1`))

describe("CreatePermission", () => {
  test("permits an IP address, with all its ports and no other", () => {
    const { client } = setUp()
    assert.equal(client.permit(address("8.8.8.8:0")).code, 0)
    assert.equal(client.sendTo(PEER, DATA).length, 1)
    assert.equal(client.hear(address("8.8.8.8:1"), DATA).length, 1)
    assert.equal(client.hear(OTHER, DATA).length, 0)
    assert.equal(client.sendTo(OTHER, DATA).length, 0)
  })

  test("several peers at once, all or none", () => {
    const { world, client } = setUp()
    assert.equal(client.permit(PEER, OTHER, PEER).code, 0)
    assert.equal(world.evidence.filter(({ kind }) => kind === "permitted").length, 2)
    const third = address("9.9.9.9:1")
    assert.equal(client.permit(third, address("10.0.0.1:1")).code, 403)
    assert.equal(client.permit(third, address("[2a02::2]:1")).code, 443)
    assert.equal(client.hear(third, DATA).length, 0)
  })

  test("the address that we relay from, by any port: each packet is judged by its own", () => {
    const world = new World({ relayedAddress: { v4: parseIp("192.168.1.2")! } })
    const client = new Client(world, "1.2.3.4:5000")
    client.allocate()
    const host = address("192.168.1.2:40000")
    // A client may ask once for an IP address that its peer has a host and a relayed candidate at.
    assert.equal(client.permit(host).code, 0)
    const other = new Client(world, "1.2.3.4:5001")
    other.allocate()
    other.permit(client.relayed!)
    assert.equal(client.sendTo(other.relayed!, DATA).length, 1)
    assert.equal(other.sendTo(client.relayed!, DATA).length, 1)
    for (const port of [1, 80, 3478, 40_000, 65_535]) {
      const beside = { ip: host.ip, port }
      assert.deepEqual(client.sendTo(beside, DATA), [])
      assert.deepEqual(client.hear(beside, DATA), [])
      assert.equal(client.bind(0x4000, beside).code, 403)
    }
    assert.equal(world.server.counters().drops["forbidden-peer"], 10)
    assert.equal(client.permit(address("192.168.1.3:40000")).code, 403)
  })

  test("400 without a peer, or with one that is unreadable", () => {
    const { client } = setUp()
    assert.equal(client.permit().code, 400)
    for (const value of [
      [],
      [0, 1, 0],
      [0, 1, 0, 0, 1, 2, 3],
      [0, 2, 0, 0, 1, 2, 3, 4],
      [0, 3, 0, 0, 1, 2, 3, 4],
    ]) {
      const answer = client.request(Method.createPermission, writer => {
        writer.xorAddress(Attribute.xorPeerAddress, PEER.ip, 1)
        writer.attribute(Attribute.xorPeerAddress, Uint8Array.from(value))
      })
      assert.equal(answer.code, 400)
    }
    assert.equal(client.hear(PEER, DATA).length, 0)
  })

  test("lasts 300 seconds, unless refreshed; data does not refresh it", () => {
    const { world, client } = setUp()
    client.permit(PEER)
    world.advance(PERMISSION_LIFETIME - 1)
    assert.equal(client.sendTo(PEER, DATA).length, 1)
    assert.equal(client.hear(PEER, DATA).length, 1)
    client.permit(PEER)
    world.advance(PERMISSION_LIFETIME - 1)
    assert.equal(client.hear(PEER, DATA).length, 1)
    world.advance(1)
    assert.equal(client.hear(PEER, DATA).length, 0)
    assert.equal(client.sendTo(PEER, DATA).length, 0)
  })

  test("508 beyond the cap; expired ones do not count", () => {
    const { world, client } = setUp({ permissions: 3 })
    assert.equal(client.permit(...peers(3)).code, 0)
    assert.equal(client.permit(...peers(3)).code, 0)
    assert.equal(client.permit(OTHER).code, 508)
    assert.equal(client.bind(0x4000, OTHER).code, 508)
    world.advance(PERMISSION_LIFETIME)
    assert.equal(client.permit(OTHER).code, 0)
  })
})

describe("ChannelBind", () => {
  test("binds, permits, refreshes", () => {
    const { world, client } = setUp()
    assert.equal(client.bind(0x4000, PEER).code, 0)
    assert.equal(client.hear(address("8.8.8.8:1"), DATA).length, 1)
    world.advance(PERMISSION_LIFETIME - 1)
    assert.equal(client.bind(0x4000, PEER).code, 0)
    world.advance(PERMISSION_LIFETIME - 1)
    assert.deepEqual([...client.hear(PEER, DATA)[0]!.bytes], [0x40, 0, 0, 3, 1, 2, 3])
    assert.equal(world.evidence.filter(({ kind }) => kind === "bound-channel").length, 1)
  })

  test("400 without number or peer, or outside of 0x4000–0x4FFF", () => {
    const { client } = setUp()
    for (const number of [0, 0x3fff, 0x5000, 0x7fff, 0xffff])
      assert.equal(client.bind(number, PEER).code, 400)
    assert.equal(client.bind(0x4fff, PEER).code, 0)
    assert.equal(client.request(Method.channelBind, writer => writer.channelNumber(0x4000)).code, 400)
    const noNumber = client.request(Method.channelBind, writer =>
      writer.xorAddress(Attribute.xorPeerAddress, PEER.ip, 1),
    )
    assert.equal(noNumber.code, 400)
  })

  test("0x4000–0x7FFF where clients of RFC 5766 are served", () => {
    const world = new World({ channelNumbers: "rfc5766" })
    const client = new Client(world, "1.2.3.4:5000")
    client.allocate()
    assert.equal(client.bind(0x7fff, PEER).code, 0)
    assert.equal(client.channelData(0x7fff, DATA).length, 1)
    assert.deepEqual([...client.hear(PEER, DATA)[0]!.bytes], [0x7f, 0xff, 0, 3, 1, 2, 3])
    assert.equal(client.bind(0x8000, OTHER).code, 400)
    assert.deepEqual(client.channelData(0x8000, DATA), [])
  })

  test("400 for a number that has another peer, for a peer that has another number", () => {
    const { client } = setUp()
    client.bind(0x4000, PEER)
    assert.equal(client.bind(0x4000, OTHER).code, 400)
    assert.equal(client.bind(0x4000, address("8.8.8.8:9001")).code, 400)
    assert.equal(client.bind(0x4001, PEER).code, 400)
    assert.equal(client.bind(0x4001, address("8.8.8.8:9001")).code, 0)
    assert.deepEqual([...client.hear(PEER, DATA)[0]!.bytes], [0x40, 0, 0, 3, 1, 2, 3])
    assert.deepEqual([...client.hear(address("8.8.8.8:9001"), DATA)[0]!.bytes], [0x40, 1, 0, 3, 1, 2, 3])
  })

  test("403 and 443 for peers that may not be, 400 for port 0", () => {
    const { client } = setUp()
    assert.equal(client.bind(0x4000, address("8.8.8.8:0")).code, 400)
    client.permit(address("8.8.8.8:0"))
    assert.deepEqual(client.sendTo(address("8.8.8.8:0"), DATA), [])
    assert.equal(client.bind(0x4000, address("127.0.0.1:80")).code, 403)
    assert.equal(client.bind(0x4000, address("[2a02::2]:1")).code, 443)
    assert.deepEqual(client.channelData(0x4000, DATA), [])
  })

  test("a channel lasts 600 seconds, its permission 300", () => {
    const { world, client } = setUp()
    client.bind(0x4000, PEER)
    world.advance(PERMISSION_LIFETIME)
    // The client may still send; the peer may not (RFC 8656 §9, §12.6).
    assert.equal(client.channelData(0x4000, DATA).length, 1)
    assert.equal(client.hear(PEER, DATA).length, 0)
    client.permit(PEER)
    assert.deepEqual([...client.hear(PEER, DATA)[0]!.bytes], [0x40, 0, 0, 3, 1, 2, 3])
    world.advance(CHANNEL_LIFETIME - PERMISSION_LIFETIME - 1)
    assert.equal(client.channelData(0x4000, DATA).length, 1)
    client.permit(PEER)
    world.advance(1)
    assert.equal(client.channelData(0x4000, DATA).length, 0)
    // The permission is still there, so the peer is heard in a Data indication.
    assert.equal(client.hear(PEER, DATA)[0]!.bytes[0], 0)
  })

  test("what was bound cools down for 300 seconds: the same again at once, anything else after", () => {
    const { world, client } = setUp()
    client.bind(0x4000, PEER)
    world.advance(CHANNEL_LIFETIME)
    assert.equal(client.bind(0x4000, OTHER).code, 400)
    assert.equal(client.bind(0x4001, PEER).code, 400)
    assert.equal(client.bind(0x4000, PEER).code, 0)
    assert.equal(client.channelData(0x4000, DATA).length, 1)
    world.advance(CHANNEL_LIFETIME + CHANNEL_COOL_DOWN - 1)
    assert.equal(client.bind(0x4000, OTHER).code, 400)
    world.advance(1)
    assert.equal(client.bind(0x4000, OTHER).code, 0)
    assert.equal(client.bind(0x4001, PEER).code, 0)
  })

  test("holds one path each, for as long as it is bound, whether or not a packet comes by", () => {
    const { world, client } = setUp()
    assert.equal(world.paths.held, 1)
    client.bind(0x4000, PEER)
    client.bind(0x4001, OTHER)
    client.permit(address("9.9.9.9:1"))
    assert.equal(world.paths.held, 3)
    world.advance(1000)
    client.bind(0x4000, PEER)
    assert.equal(world.paths.held, 3)
    world.advance(CHANNEL_LIFETIME - 1000)
    assert.equal(world.paths.held, 2)
    client.bind(0x4001, OTHER)
    assert.equal(world.paths.held, 3)
    client.refresh(0)
    assert.equal(world.paths.held, 0)
  })

  test("508 beyond the cap, or when the driver has no path left", () => {
    const { client } = setUp({ channels: 2 })
    assert.equal(client.bind(0x4000, PEER).code, 0)
    assert.equal(client.bind(0x4001, OTHER).code, 0)
    assert.equal(client.bind(0x4002, address("9.9.9.9:1")).code, 508)
    assert.equal(client.bind(0x4001, OTHER).code, 0)

    const full = setUp({}, 3)
    assert.equal(full.client.bind(0x4000, PEER).code, 0)
    assert.equal(full.client.bind(0x4001, OTHER).code, 0)
    assert.equal(full.client.bind(0x4002, address("9.9.9.9:1")).code, 508)
  })

  test("numbers far apart are found as well as those in a row", () => {
    const { client } = setUp()
    const numbers = [0x4fff, 0x4000, 0x4800, 0x4001, 0x400f, 0x4010]
    for (const [i, number] of numbers.entries()) client.bind(number, peers(6)[i]!)
    for (const [i, number] of numbers.entries()) {
      assert.deepEqual(client.channelData(number, DATA)[0]!.to, peers(6)[i])
      assert.equal(client.hear(peers(6)[i]!, DATA)[0]!.bytes[1], number & 0xff)
    }
    assert.deepEqual(client.channelData(0x4002, DATA), [])
  })
})
