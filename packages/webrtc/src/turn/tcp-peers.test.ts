import assert from "node:assert/strict"
import { describe, test } from "node:test"
import fc from "fast-check"
import { formatAddress } from "../bytes/index.ts"
import { Attribute, Method, type StunWriter } from "../stun/index.ts"
import { PeerPolicy } from "./peer-policy.ts"
import { Client, read } from "./testing/client.ts"
import { attempt, leftNothing, OTHER, PEER, setUp, TcpClient, tcp } from "./testing/tcp-client.ts"
import { address, type Sent, World } from "./testing/world.ts"

describe("Allocate with REQUESTED-TRANSPORT 6 (RFC 6062 §5.1)", () => {
  test("listens on a relayed address, for clients over TCP and TLS", () => {
    for (const transport of ["tcp", "tls"] as const) {
      const world = new World({ tcpPeers: true })
      const client = new TcpClient(world, "1.2.3.4:5000", "ada", transport)
      const answer = client.allocateTcp()
      assert.equal(answer.code, 0)
      assert.match(formatAddress(client.relayed!), /^5\.5\.5\.5:50\d\d\d$/)
      assert.ok(!answer.message.has(Attribute.reservationToken))
      assert.equal(world.sockets.get(world.socketOn(client.relayed!.port))!.listensAs! > 0, true)
      assert.equal(client.refresh(0).code, 0)
      leftNothing(world)
    }
  })

  test("442 where it is off, as it is by default, and for any other protocol where it is on", () => {
    const off = new World()
    assert.equal(new TcpClient(off, "1.2.3.4:5000").allocateTcp().code, 442)
    assert.equal(off.sockets.size, 0)
    const client = new TcpClient(new World({ tcpPeers: true }), "1.2.3.4:5000")
    client.challenge()
    const sctp = (writer: StunWriter): void => writer.requestedTransport(132)
    assert.equal(client.request(Method.allocate, sctp).code, 442)
  })

  test("400 over UDP, and with what belongs to UDP alone", () => {
    const world = new World({ tcpPeers: true }, 4096, true)
    const overUdp = new Client(world, "1.2.3.4:5000")
    overUdp.challenge()
    assert.equal(overUdp.request(Method.allocate, tcp).code, 400)
    const client = new TcpClient(world, "1.2.3.4:5001")
    for (const fill of [
      (writer: StunWriter) => writer.flag(Attribute.dontFragment),
      (writer: StunWriter) => writer.evenPort(false),
      (writer: StunWriter) => writer.evenPort(true),
      (writer: StunWriter) => writer.attribute(Attribute.reservationToken, new Uint8Array(8)),
    ])
      assert.equal(client.allocateTcp(fill).code, 400)
    assert.equal(world.sockets.size, 0)
    assert.equal(world.server.counters().allocations, 0)
  })

  test("takes another port when one is in use, and no more of them than there are", () => {
    const world = new World({ tcpPeers: true, relayPorts: { min: 50_000, max: 50_003 } })
    for (const port of [50_000, 50_001, 50_003]) world.occupied.add(port)
    const client = new TcpClient(world, "1.2.3.4:5000")
    assert.equal(client.allocateTcp().code, 0)
    assert.equal(client.relayed!.port, 50_002)
    assert.equal(new TcpClient(world, "1.2.3.4:5001").allocateTcp().code, 508)
    assert.equal(world.server.counters().freePorts, 7)
  })

  test("of two address families at once; each peer is reached from its own", () => {
    const world = new World({ tcpPeers: true })
    const client = new TcpClient(world, "1.2.3.4:5000")
    const both = (writer: StunWriter): void => writer.addressFamily(Attribute.additionalAddressFamily, 2)
    assert.equal(client.allocateTcp(both).code, 0)
    const peer6 = address("[2a02::2]:9000")
    const id = client.connected(peer6)
    client.connected(PEER)
    const families = world.evidence.flatMap(each => (each.kind === "peer-connected" ? each.allocation : []))
    assert.deepEqual(families, [2, 1])
    assert.equal(client.dataConnection().bindTo(id).code, 0)
    // To give one of the two back ends its connections alone.
    const farewell = (writer: StunWriter): void => {
      writer.uint32(Attribute.lifetime, 0)
      writer.addressFamily(Attribute.requestedAddressFamily, 2)
    }
    assert.equal(client.request(Method.refresh, farewell).code, 0)
    assert.equal(world.server.counters().connections, 1)
    assert.equal(client.refusedConnect(peer6), 443)
    client.refresh(0)
    leftNothing(world)
  })

  test("does not move: a MOBILITY-TICKET is not given", () => {
    const client = new TcpClient(new World({ tcpPeers: true, mobility: true }), "1.2.3.4:5000")
    const { message, code } = client.allocateTcp(writer => writer.flag(Attribute.mobilityTicket))
    assert.deepEqual([code, message.has(Attribute.mobilityTicket)], [0, false])
  })

  test("counts in every quota as any other", () => {
    const { world } = setUp({ limits: { allocationsPerUser: 1 } })
    assert.equal(new TcpClient(world, "1.2.3.4:5001").allocateTcp().code, 486)
    const full = setUp({ limits: { allocations: 1 } })
    assert.equal(new TcpClient(full.world, "1.2.3.4:5001", "ben").allocateTcp().code, 508)
  })

  test("relays nothing that is UDP's: no channel, no Send; and no Connect where UDP is relayed", () => {
    const { world, client } = setUp()
    assert.equal(client.bind(0x4000, PEER).code, 400)
    assert.equal(client.permit(PEER).code, 0)
    assert.deepEqual(client.sendTo(PEER, Uint8Array.of(1)), [])
    const udp = new TcpClient(world, "1.2.3.4:5001")
    assert.equal(udp.allocate().code, 0)
    assert.equal(udp.refusedConnect(PEER), 437)
    const nobody = new TcpClient(world, "1.2.3.4:5002")
    nobody.challenge()
    assert.equal(nobody.refusedConnect(PEER), 437)
  })

  test("its relayed address is no way for UDP, nor one of UDP for TCP", () => {
    const { world, client } = setUp({ relayedAddress: { v4: Uint8Array.of(10, 0, 0, 5) } })
    const udp = new TcpClient(world, "1.2.3.4:5001")
    assert.equal(udp.allocate().code, 0)
    assert.equal(udp.permit(client.relayed!).code, 0)
    assert.deepEqual(udp.sendTo(client.relayed!, Uint8Array.of(1)), [])
    assert.equal(udp.bind(0x4000, client.relayed!).code, 403)
    assert.equal(client.refusedConnect(udp.relayed!), 403)
  })
})

describe("what must not be guessed, and what strangers may not do", () => {
  test("13. CONNECTION-IDs are random: all different, and no pattern in them", () => {
    const { client, world } = setUp({ limits: { connections: 1000, connectionsPerUser: 1000 } })
    const ids = new Set<number>()
    let ones = 0
    for (let port = 1; port <= 1000; port++) {
      const id = client.connected({ ...PEER, port })
      ids.add(id)
      for (let bit = 0; bit < 32; bit++) ones += (id >>> bit) & 1
    }
    assert.equal(ids.size, 1000)
    assert.ok(Math.abs(ones - 16_000) < 800, `${ones} of 32,000 bits`)
    assert.equal(world.server.counters().connections, 1000)
  })

  test("7. Connect and who connects go through authorizePeer(), each about its own peer", t => {
    const asked: string[] = []
    const { world, client } = setUp()
    client.permit(PEER, OTHER)
    t.mock.method(PeerPolicy.prototype, "authorizePeer", (...args: [Uint8Array, number, string]) => {
      asked.push(`${formatAddress({ ip: args[0], port: args[1] })} ${args[2]}`)
      return "denied"
    })
    assert.equal(client.refusedConnect(PEER), 403)
    assert.ok(!attempt({ world, client }, OTHER).isOpen)
    assert.deepEqual(asked, ["8.8.8.8:9000 tcp", "8.8.4.4:9000 tcp"])
    assert.deepEqual(world.connects, [])
  })

  test("where it is off, the methods are not even known", () => {
    const world = new World()
    const client = new TcpClient(world, "1.2.3.4:5000")
    client.challenge()
    for (const method of [Method.connect, Method.connectionBind])
      assert.deepEqual(client.send(client.signed(method)), [])
    assert.equal(world.server.counters().drops.unexpected, 2)
  })

  test("whatever the order of things, nothing is held or counted in the end", () => {
    const step = fc.record({
      do: fc.constantFrom("connect", "came", "failed", "attempt", "bind", "end", "advance", "permit"),
      n: fc.nat(5),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), steps => {
        const { world, client } = setUp({ limits: { connections: 4 } })
        const ids: number[] = []
        const keep = (sent: Sent[]): void => {
          for (const { bytes } of sent) {
            const id = read(bytes).message.uint32(Attribute.connectionId)
            if (id >= 0) ids.push(id)
          }
        }
        for (const { do: what, n } of steps) {
          const peer = { ...PEER, port: 1 + n }
          if (what === "connect") client.connect(peer)
          else if (what === "came" && world.connects.length > 0) keep(world.connected())
          else if (what === "failed" && world.connects.length > 0)
            world.unconnected(n % 2 === 0 ? "in-use" : "refused")
          else if (what === "attempt" && client.relayed !== undefined && world.sockets.size > 0)
            keep(attempt({ world, client }, peer).sent)
          else if (what === "bind") client.dataConnection().bindTo(ids[n] ?? n)
          else if (what === "end" && world.joins[n] !== undefined) {
            const path = world.joins[n].paths[n % 2]!
            if (world.streams.has(world.paths.socket(path))) world.endStream(path)
          } else if (what === "advance") world.advance(n * 10_000)
          else if (what === "permit") client.permit(peer)
          assert.ok(world.server.counters().connections <= 4)
        }
        world.close()
        leftNothing(world)
      }),
      { numRuns: 200 },
    )
  })
})
