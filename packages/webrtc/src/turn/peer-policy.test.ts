import assert from "node:assert/strict"
import { describe, test } from "node:test"
import fc from "fast-check"
import { formatIp, parseIp } from "../bytes/index.ts"
import { Cidr, parseCidr } from "./cidr.ts"
import { canonicalIp, PeerPolicy, type PeerPolicyOptions } from "./peer-policy.ts"
import { SPECIAL_PURPOSE_IPV4, SPECIAL_PURPOSE_IPV6 } from "./special-purpose.ts"
import { Client } from "./testing/client.ts"
import { address, World } from "./testing/world.ts"

const DATA = Uint8Array.of(1)
const policy = (options: PeerPolicyOptions = {}) => new PeerPolicy(options, () => false)
const verdict = (ip: string, options: PeerPolicyOptions = {}, port = 1000) =>
  policy(options).authorizePeer(parseIp(ip)!, port)

const words = (text: string): string[] => text.trim().split(/\s+/)

/** The first, a middle and the last address of a range. */
function membersOf({ ip, bits }: Cidr): Uint8Array[] {
  const last = ip.slice()
  const middle = ip.slice()
  for (let i = bits; i < ip.length * 8; i++) {
    last[i >> 3]! |= 128 >> (i & 7)
    if (i % 2) middle[i >> 3]! |= 128 >> (i & 7)
  }
  return [ip, middle, last]
}

const CARRIERS: Record<string, (v4: Uint8Array) => Uint8Array> = {
  mapped: v4 => new Uint8Array([...new Uint8Array(10), 0xff, 0xff, ...v4]),
  compatible: v4 => new Uint8Array([...new Uint8Array(12), ...v4]),
  "6to4": v4 => new Uint8Array([0x20, 0x02, ...v4, ...new Uint8Array(10).fill(0x11)]),
  NAT64: v4 => new Uint8Array([0, 0x64, 0xff, 0x9b, ...new Uint8Array(8), ...v4]),
}

function deniedVectors(): Uint8Array[] {
  const v4 = SPECIAL_PURPOSE_IPV4.flatMap(membersOf)
  const carried = Object.values(CARRIERS).flatMap(carry => v4.map(carry))
  const v6 = SPECIAL_PURPOSE_IPV6.flatMap(membersOf)
  const literal = ["::", "::1", "255.255.255.255", "169.254.169.254", "2001::1", "fe80::1", "ff02::1"]
  return [...v4, ...carried, ...v6, ...literal.map(text => parseIp(text)!)]
}

describe("what no relay reaches", () => {
  test("the ranges are the ones that IANA lists, and a few more", () => {
    const has = (ip: string) => assert.equal(verdict(ip), "denied", ip)
    const hasNot = (ip: string) => assert.equal(verdict(ip), "allowed", ip)
    for (const ip of words(`
      0.0.0.0 0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.0 100.127.255.255 127.0.0.1
      169.254.169.254 172.16.0.0 172.31.255.255 192.0.0.8 192.0.2.1 192.88.99.1 192.168.0.0
      192.168.255.255 198.18.0.0 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255
      240.0.0.1 255.255.255.255 :: ::1 ::ffff:10.0.0.1 ::10.0.0.1 64:ff9b::10.0.0.1 64:ff9b:1::1
      100::1 2001::1 2001:1ff:ffff::1 2001:db8::1 2002:a00:1::1 2002:7f00:1:: 3fff::1 5f00::1 fc00::1
      fdff::1 fe80::1 febf::1 fec0::1 feff::1 ff00::1 ff02::1`)) {
      has(ip)
    }
    for (const ip of words(`
      1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0
      169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 191.255.255.255 192.0.1.0 192.0.3.0
      192.88.98.255 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 198.51.99.255 203.0.112.255
      203.0.114.0 223.255.255.255 2a00::1 2001:200::1 2001:db9::1 2003::1 64:ff9b::8.8.8.8
      2002:808:808::1 4000::1 3ffe:ffff::1 5eff::1 5f01::1 fbff::1 fe00::1 101::1 100:0:0:1::1`)) {
      hasNot(ip)
    }
  })

  test("not by CreatePermission, not by ChannelBind, not by Send, in no spelling", () => {
    const world = new World({ peers: { allow: ["8.8.8.8"] } })
    const v4 = new Client(world, "1.2.3.4:5000", "ada")
    const v6 = new Client(world, "1.2.3.4:5001", "ada")
    v4.allocate()
    v6.allocate(writer => writer.addressFamily(0x0017, 2))
    for (const ip of deniedVectors()) {
      const client = ip.length === 4 ? v4 : v6
      const peer = { ip, port: 80 }
      assert.equal(client.permit(peer).code, 403, formatIp(ip))
      assert.equal(client.bind(0x4000, peer).code, 403, formatIp(ip))
      assert.deepEqual(client.sendTo(peer, DATA), [], formatIp(ip))
      assert.deepEqual(client.hear(peer, DATA), [], formatIp(ip))
    }
    assert.equal(world.server.counters().packetsToPeers, 0)
    assert.equal(world.server.counters().packetsToClients, 0)
  })

  test("what the operator allows is reached by every method, in every spelling", () => {
    const world = new World({ peers: { allow: ["10.1.0.0/16", "fd00::/8"] } })
    const v4 = new Client(world, "1.2.3.4:5000", "ada")
    const v6 = new Client(world, "1.2.3.4:5001", "ada")
    v4.allocate()
    v6.allocate(writer => writer.addressFamily(0x0017, 2))
    const allowed = [v4, v6, v6, v6]
    for (const [i, text] of ["10.1.2.3", "fd12::1", "::ffff:10.1.2.3", "64:ff9b::10.1.2.3"].entries()) {
      const client = allowed[i]!
      const peer = { ip: parseIp(text)!, port: 80 }
      assert.equal(client.permit(peer).code, 0, text)
      assert.equal(client.bind(0x4000 + i, peer).code, 0, text)
      assert.equal(client.sendTo(peer, DATA).length, 1, text)
      assert.equal(client.hear(peer, DATA).length, 1, text)
    }
    assert.equal(v4.permit(address("10.2.0.1:80")).code, 403)
  })
})

describe("PeerPolicy", () => {
  test("this server's listeners are never peers, not even when allowed", () => {
    const listeners = [address("10.0.0.5:3478"), address("[fd00::5]:3478"), address("9.9.9.9:3478")]
    const options = { allow: ["10.0.0.0/8", "fd00::/8"], listeners }
    assert.equal(verdict("10.0.0.5", options, 3478), "denied")
    assert.equal(verdict("::ffff:10.0.0.5", options, 3478), "denied")
    assert.equal(verdict("2002:a00:5::1", options, 3478), "denied")
    assert.equal(verdict("fd00::5", options, 3478), "denied")
    assert.equal(verdict("9.9.9.9", options, 3478), "denied")
    assert.equal(verdict("10.0.0.5", options, 3479), "allowed")
    assert.equal(verdict("10.0.0.6", options, 3478), "allowed")
  })

  test("a listener on all addresses is one on each of our own", () => {
    const own = { ownAddresses: [parseIp("9.9.9.9")!, parseIp("2a00::9")!] }
    for (const everywhere of ["0.0.0.0:3478", "[::]:3478"]) {
      const options = { ...own, listeners: [address(everywhere)] }
      assert.equal(verdict("9.9.9.9", options, 3478), "denied")
      assert.equal(verdict("2a00::9", options, 3478), "denied")
      assert.equal(verdict("9.9.9.9", options, 3479), "allowed")
    }
    const world = new World({ peers: { listeners: [address("0.0.0.0:3478")] } })
    const client = new Client(world, "1.2.3.4:5000")
    client.allocate()
    assert.equal(client.bind(0x4000, address("5.5.5.5:3478")).code, 403)
    client.permit(address("5.5.5.5:1"))
    assert.deepEqual(client.sendTo(address("5.5.5.5:3478"), DATA), [])
  })

  test("denyAddresses are stronger than allow", () => {
    const options = { allow: ["10.0.0.0/8"], denyAddresses: ["10.0.0.7", "8.8.0.0/16"] }
    assert.equal(verdict("10.0.0.7", options), "denied")
    assert.equal(verdict("10.0.0.8", options), "allowed")
    assert.equal(verdict("8.8.8.8", options), "denied")
    assert.equal(verdict("64:ff9b::8.8.8.8", options), "denied")
  })

  test("over TCP nothing else on this host is reached, by whatever address, unless it is allowed", () => {
    const ownAddresses = [parseIp("9.9.9.9")!, parseIp("2a00::9")!]
    const over = (ip: string, protocol: "udp" | "tcp", allow: string[] = []) =>
      policy({ ownAddresses, allow }).authorizePeer(parseIp(ip)!, 22, protocol)
    for (const ip of ["9.9.9.9", "2a00::9", "::ffff:9.9.9.9", "64:ff9b::9.9.9.9"])
      assert.deepEqual([over(ip, "tcp"), over(ip, "udp")], ["denied", "allowed"], ip)
    assert.equal(over("9.9.9.8", "tcp"), "allowed")
    assert.equal(over("9.9.9.9", "tcp", ["9.9.9.9"]), "allowed")
  })

  test("a live relayed address is always one", () => {
    const live = new PeerPolicy(
      { denyAddresses: ["127.0.0.0/8"] },
      (ip, port) => port === 50_000 && ip[0] === 127,
    )
    assert.equal(live.authorizePeer(parseIp("127.0.0.1")!, 50_000), "relayed")
    assert.equal(live.authorizePeer(parseIp("127.0.0.1")!, 50_001), "denied")
  })

  test("judging changes nothing in the address", () => {
    const ip = parseIp("::ffff:10.0.0.1")!
    policy().authorizePeer(ip, 1)
    assert.deepEqual(ip, parseIp("::ffff:10.0.0.1"))
    assert.deepEqual(canonicalIp(ip), parseIp("10.0.0.1"))
    assert.deepEqual(canonicalIp(parseIp("2a00::1")!), parseIp("2a00::1"))
  })
})

describe("Cidr", () => {
  const asNumber = (ip: Uint8Array): bigint => ip.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n)
  const ips = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })

  for (const length of [4, 16]) {
    test(`contains what lies between its ends, of ${length} bytes`, () => {
      fc.assert(
        fc.property(
          ips(length),
          fc.nat(length * 8),
          ips(length),
          fc.nat(length * 8),
          (net, bits, ip, shared) => {
            // Otherwise hardly any address is near a range.
            for (let i = 0; i < shared; i++) {
              const mask = 128 >> (i & 7)
              ip[i >> 3] = (ip[i >> 3]! & ~mask) | (net[i >> 3]! & mask)
            }
            const size = 1n << BigInt(length * 8 - bits)
            const low = (asNumber(net) / size) * size
            const expected = asNumber(ip) >= low && asNumber(ip) < low + size
            const masked = net.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, bits - 8 * i))))
            assert.equal(new Cidr(masked, bits).contains(ip), expected)
          },
        ),
        { numRuns: 2000 },
      )
    })
  }

  test("never across families", () => {
    assert.ok(!parseCidr("0.0.0.0/0", "range").contains(parseIp("::1")!))
    assert.ok(!parseCidr("::/0", "range").contains(parseIp("1.1.1.1")!))
    assert.ok(parseCidr("::/0", "range").contains(parseIp("ffff::1")!))
  })

  test("text that is no range throws, naming it", () => {
    for (const text of [
      "",
      "/8",
      "10.0.0.0/",
      "10.0.0.0/8/8",
      "10.0.0/8",
      "10.0.0.0/-1",
      "10.0.0.0/08",
      "10.0.0.0/33",
      "::/129",
      "fe80::1%eth0",
      "10.0.0.0/8 ",
      "10.0.0.1/8",
      "localhost",
    ]) {
      assert.throws(
        () => parseCidr(text, "allow"),
        new RegExp(`^TypeError: allow: ${JSON.stringify(text).replace(/[.*+?^$|]/g, "\\$&")}`),
      )
    }
    assert.deepEqual(parseCidr("10.0.0.0/8", "allow"), new Cidr(parseIp("10.0.0.0")!, 8))
    assert.deepEqual(parseCidr("fd00::1", "allow"), new Cidr(parseIp("fd00::1")!, 128))
  })
})
