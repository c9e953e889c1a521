import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { formatAddress } from "../bytes/index.ts"
import { Attribute, Method } from "../stun/index.ts"
import { addressIn, read } from "./testing/client.ts"
import { attempt, idIn, leftNothing, OTHER, PEER, setUp, TcpClient } from "./testing/tcp-client.ts"
import { address } from "./testing/world.ts"

describe("Connect (RFC 6062 §5.2)", () => {
  test("connects from the relayed port, and answers once the connection stands", () => {
    const { world, client } = setUp()
    assert.deepEqual(client.connect(PEER), [])
    const [asked] = world.connects
    assert.deepEqual([asked!.remote, asked!.transport, asked!.port], [PEER, "tcp", client.relayed!.port])
    // Nothing is read of it before it is joined.
    assert.equal(asked!.framing, undefined)
    const id = idIn(client.answer(world.connected()))
    assert.ok(id > 0)
    assert.equal(world.server.counters().connections, 1)
    assert.deepEqual(world.evidence.at(-1), {
      layer: "turn",
      kind: "peer-connected",
      allocation: 1,
      peer: "8.8.8.8:9000",
      by: "client",
    })
  })

  test("leaves from another port where the platform does not share the relayed one", () => {
    const { world, client } = setUp()
    client.connect(PEER)
    assert.deepEqual(world.unconnected("in-use"), [])
    assert.equal(world.connects[0]!.port, 0)
    idIn(client.answer(world.connected()))
    client.connect(OTHER)
    world.unconnected("in-use")
    assert.equal(client.answer(world.unconnected("in-use")).code, 447)
  })

  test("447 when there is nobody; then it may be tried again", () => {
    for (const reason of ["refused", "unreachable", "timed-out", "exhausted"] as const) {
      const { world, client } = setUp()
      client.connect(PEER)
      assert.equal(client.answer(world.unconnected(reason)).code, 447)
      const refused = world.evidence.at(-1)!
      assert.ok(refused.kind === "refused" && refused.layer === "turn")
      assert.deepEqual([refused.method, refused.allocation], ["Connect", 1])
      assert.match(refused.why, new RegExp(reason))
      client.connected()
    }
  })

  test("446 while there is a connection to the peer, being made, pending or bound; not to its other ports", () => {
    const { world, client } = setUp()
    client.connect(PEER)
    assert.equal(client.refusedConnect(PEER), 446)
    const id = idIn(client.answer(world.connected()))
    assert.equal(client.refusedConnect(PEER), 446)
    assert.equal(client.dataConnection().bindTo(id).code, 0)
    assert.equal(client.refusedConnect(PEER), 446)
    client.connected({ ...PEER, port: 9001 })
    // Each allocation has its own.
    const other = new TcpClient(world, "1.2.3.4:5001")
    other.allocateTcp()
    other.connected(PEER)
  })

  test("400 without a peer or its port, 443 for the other family, 403 for who may be none", () => {
    const { world, client } = setUp()
    assert.equal(client.request(Method.connect).code, 400)
    assert.equal(client.refusedConnect({ ...PEER, port: 0 }), 400)
    assert.equal(client.refusedConnect(address("[2a02::2]:9000")), 443)
    for (const denied of ["127.0.0.1:22", "10.0.0.1:80", "169.254.169.254:80", "0.0.0.0:1"])
      assert.equal(client.refusedConnect(address(denied)), 403)
    // 25. Where TCP would meet itself.
    assert.equal(client.refusedConnect(client.relayed!), 403)
    assert.deepEqual(world.connects, [])
  })

  test("403 for other services of this host, at the very address that is relayed from", () => {
    const { world, client } = setUp()
    assert.equal(client.refusedConnect({ ip: client.relayed!.ip, port: 22 }), 403)
    assert.deepEqual(world.connects, [])
  })

  test("403 for what this process listens on, whatever is allowed", () => {
    const listener = address("10.0.0.9:8443")
    const { world, client } = setUp({ peers: { allow: ["10.0.0.0/8"], listeners: [listener] } })
    assert.equal(client.refusedConnect(listener), 403)
    client.connect({ ...listener, port: 1 })
    assert.equal(world.connects.length, 1)
  })

  test("508 beyond the cap of an allocation, whoever made the connections", () => {
    const { world, client } = setUp({ limits: { connections: 2 } })
    client.permit(OTHER)
    client.connect(PEER)
    assert.ok(attempt({ world, client }, OTHER).isOpen)
    assert.equal(client.refusedConnect({ ...PEER, port: 1 }), 508)
    assert.ok(!attempt({ world, client }, { ...OTHER, port: 1 }).isOpen)
    assert.equal(client.answer(world.unconnected("refused")).code, 447)
    client.connect({ ...PEER, port: 1 })
  })

  test("508 beyond the cap of a user, over all their allocations; others have their own", () => {
    const { world, client } = setUp({ limits: { connectionsPerUser: 2 } })
    const second = new TcpClient(world, "1.2.3.4:5001")
    second.allocateTcp()
    second.permit(OTHER)
    client.connect(PEER)
    assert.ok(attempt({ world, client: second }, OTHER).isOpen)
    for (const each of [client, second]) assert.equal(each.refusedConnect({ ...PEER, port: 1 }), 508)
    assert.ok(!attempt({ world, client: second }, { ...OTHER, port: 1 }).isOpen)
    const ben = new TcpClient(world, "1.2.3.4:6000", "ben")
    ben.allocateTcp()
    ben.connect(PEER)
    assert.equal(world.connects.length, 2)
    // What ends makes room: one that failed, and those of an allocation that is given back.
    assert.equal(client.answer(world.unconnected("refused")).code, 447)
    client.connect(PEER)
    assert.equal(client.refusedConnect(OTHER), 508)
    second.refresh(0)
    assert.deepEqual(client.connect(OTHER), [])
  })

  test("a relayed address of this server is reached where it is bound, and known by its announced one", () => {
    // That may not be a peer otherwise, and no way may lead there from inside.
    const { world, client } = setUp({ relayedAddress: { v4: Uint8Array.of(10, 0, 0, 5) } })
    const ben = new TcpClient(world, "1.2.3.4:6000", "ben")
    ben.allocateTcp()
    client.connect(ben.relayed!)
    assert.equal(formatAddress(world.connects[0]!.remote), `127.0.0.1:${ben.relayed!.port}`)
    const from = address(`127.0.0.1:${client.relayed!.port}`)
    assert.ok(!attempt({ world, client: ben }, from).isOpen)
    assert.equal(ben.permit(client.relayed!).code, 0)
    const { sent, isOpen } = attempt({ world, client: ben }, from)
    assert.ok(isOpen)
    const { message } = read(sent[0]!.bytes)
    assert.deepEqual(addressIn(message, Attribute.xorPeerAddress), client.relayed)
    // Whoever else is on this host is not let in, nor who has the same port elsewhere.
    assert.ok(!attempt({ world, client: ben }, { ...PEER, port: client.relayed!.port }).isOpen)
    assert.ok(!attempt({ world, client: ben }, address("127.0.0.1:1234")).isOpen)
  })

  test("what comes when the allocation is gone is closed", () => {
    const { world, client } = setUp()
    client.connect(PEER)
    const request = world.connects[0]!
    client.refresh(0)
    assert.equal(world.connects.length, 0)
    world.connects.push(request)
    const streams = world.streams.size
    world.connected()
    assert.equal(world.streams.size, streams)
    leftNothing(world)
  })
})
