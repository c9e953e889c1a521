import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { formatAddress } from "../bytes/index.ts"
import { Attribute, Method, type StunWriter } from "../stun/index.ts"
import type { TurnServerOptions } from "./index.ts"
import { Client } from "./testing/client.ts"
import { attempt, leftNothing, OTHER, PEER, setUp, TcpClient } from "./testing/tcp-client.ts"

describe("ConnectionBind (RFC 6062 §5.4)", () => {
  test("joins the client's connection, TCP or TLS, with the peer's, after its answer", () => {
    const { world, client } = setUp()
    const id = client.connected()
    const data = client.dataConnection("tls")
    assert.equal(data.bindTo(id).code, 0)
    const [join] = world.joins
    assert.deepEqual(
      join!.paths.map(path => formatAddress(world.paths.remote(path))),
      [formatAddress(data.address), "8.8.8.8:9000"],
    )
    const bound = world.evidence.at(-1)!
    assert.ok(bound.kind === "connection-bound")
    const { peer, client: by, transport } = bound
    assert.deepEqual([peer, by, transport], ["8.8.8.8:9000", formatAddress(data.address), "tls"])
    // It does not end for want of anything any more.
    world.advance(60_000)
    assert.equal(world.server.counters().connections, 1)
  })

  test("400 for what is no pending connection of the user: unknown, bound, gone, another's; and over UDP", () => {
    const { world, client } = setUp()
    const id = client.connected()
    const data = client.dataConnection()
    data.challenge()
    assert.equal(data.request(Method.connectionBind).code, 400)
    assert.equal(data.bindTo((id + 1) >>> 0).code, 400)
    const unreadable = (writer: StunWriter): void =>
      writer.attribute(Attribute.connectionId, new Uint8Array(8))
    assert.equal(data.request(Method.connectionBind, unreadable).code, 400)
    const overUdp = new Client(world, "1.2.3.4:7000")
    overUdp.challenge()
    const named = (writer: StunWriter): void => writer.uint32(Attribute.connectionId, id)
    assert.equal(overUdp.request(Method.connectionBind, named).code, 400)
    const ben = new TcpClient(world, "1.2.3.4:6000", "ben").dataConnection()
    assert.equal(ben.bindTo(id).code, 400)
    // The control connection is another.
    assert.equal(client.request(Method.connectionBind, named).code, 400)
    assert.deepEqual(world.joins, [])
    assert.equal(data.bindTo(id).code, 0)
    assert.equal(client.dataConnection().bindTo(id).code, 400)
    const second = client.connected(OTHER)
    assert.equal(data.bindTo(second).code, 400)
    assert.equal(world.joins.length, 1)
  })

  test("401 without credentials, 420 for what is not understood; neither takes the connection", () => {
    const { client } = setUp()
    const id = client.connected()
    const data = client.dataConnection()
    const named = (writer: StunWriter): void => writer.uint32(Attribute.connectionId, id)
    assert.equal(data.answer(data.send(data.plain(Method.connectionBind, named))).code, 401)
    data.challenge()
    assert.equal(data.request(Method.connectionBind, named, { password: "wrong" }).code, 401)
    const strange = (writer: StunWriter): void => {
      named(writer)
      writer.uint32(0x7f00, 1)
    }
    assert.equal(data.request(Method.connectionBind, strange).code, 420)
    assert.equal(data.bindTo(id).code, 0)
  })

  test("the nonce of the control connection is good for it, and no other one", () => {
    const { world, client } = setUp()
    const id = client.connected()
    const data = client.dataConnection()
    data.nonce = new TcpClient(world, "1.2.3.4:6000").challenge().message.value(Attribute.nonce)!.slice()
    assert.equal(data.bindTo(id).code, 438)
    data.nonce = client.nonce
    // It is of no use where no connection of this client is named.
    assert.equal(data.bindTo((id + 1) >>> 0).code, 438)
    assert.equal(data.bindTo(id).code, 0)
  })

  test("credentials that have expired since are good for it, as for a Refresh", () => {
    const { world, client } = setUp()
    for (let minutes = 0; minutes < 59; minutes++) {
      world.advance(60_000)
      client.refresh()
    }
    world.advance(59_000)
    const id = client.connected()
    const data = client.dataConnection()
    data.challenge()
    world.advance(2_000)
    assert.equal(new TcpClient(world, "1.2.3.4:8000").allocateTcp().code, 401)
    assert.equal(data.bindTo(id).code, 0)
  })

  test("who is not bound within 30 s is closed", () => {
    const { world, client } = setUp()
    client.permit(OTHER)
    const id = client.connected()
    const { socket } = attempt({ world, client }, OTHER)
    world.advance(29_999)
    assert.equal(world.server.counters().connections, 2)
    world.advance(1)
    assert.equal(world.server.counters().connections, 0)
    assert.ok(!world.streams.has(socket))
    assert.equal(client.dataConnection().bindTo(id).code, 400)
    const ended = world.evidence.filter(({ kind }) => kind === "peer-disconnected")
    assert.deepEqual(
      ended.map(each => each.kind === "peer-disconnected" && each.reason),
      ["not-bound", "not-bound"],
    )
    client.connected()
  })
})

describe("data connections (RFC 6062 §5.5)", () => {
  function bound(options: Partial<TurnServerOptions> = {}) {
    const { world, client } = setUp(options)
    const id = client.connected()
    const data = client.dataConnection()
    assert.equal(data.bindTo(id).code, 0)
    const { paths, flow } = world.joins[0]!
    return { world, client, data, toClient: paths[0], toPeer: paths[1], flow: flow! }
  }

  test("bytes are counted as they pass, for the allocation and the server, until the end", () => {
    const { world, toClient, toPeer, flow, client } = bound()
    flow.passed(toClient, 1000, world.now)
    flow.passed(toPeer, 300, world.now)
    flow.passed(toPeer, 1, world.now)
    const [usage] = world.server.usage(world.now)
    assert.deepEqual([usage!.bytesToPeers, usage!.bytesToClient], [1000, 301])
    const { bytesToPeers, bytesToClients } = world.server.counters()
    assert.deepEqual([bytesToPeers, bytesToClients], [1000, 301])
    client.refresh(0)
    const ended = world.evidence.find(({ kind }) => kind === "peer-disconnected")
    assert.ok(ended?.kind === "peer-disconnected")
    assert.deepEqual([ended.bytesToPeer, ended.bytesToClient], [1000, 301])
    const freed = world.events.at(-1)!
    assert.ok(freed.type === "freed")
    assert.deepEqual([freed.bytesToPeers, freed.bytesToClient], [1000, 301])
  })

  for (const [limit, name] of [
    [{ allocationBytesPerSecond: 1000 }, "an allocation's"],
    [{ relayedBytesPerSecond: 1000 }, "everybody's"],
  ] as const)
    test(`${name} bandwidth is kept to by waiting, nothing is lost`, () => {
      const { world, flow, toPeer } = bound({ limits: limit })
      world.now = 20_000
      flow.passed(toPeer, 3000, world.now)
      const delay = flow.wait(world.now)
      assert.equal(Math.round(delay), 2000)
      assert.ok(flow.wait(world.now + delay - 10) > 0)
      assert.equal(flow.wait(world.now + delay + 1), 0)
    })

  test("as the peer's ends so does the client's, and the other way around", () => {
    for (const end of ["toClient", "toPeer"] as const) {
      const each = bound()
      const { world, client } = each
      const other = world.paths.socket(end === "toClient" ? each.toPeer : each.toClient)
      world.endStream(each[end])
      assert.ok(!world.streams.has(other))
      assert.equal(world.server.counters().connections, 0)
      const ended = world.evidence.at(-1)!
      assert.ok(ended.kind === "peer-disconnected" && ended.reason === "closed")
      // The allocation stays, and its client may connect again.
      client.connected()
    }
  })

  for (const [name, act] of [
    ["is given back", ({ client }: ReturnType<typeof bound>) => void client.refresh(0)],
    ["expires", ({ world }: ReturnType<typeof bound>) => world.advance(3_700_000)],
    [
      "loses its control connection",
      ({ world, client }: ReturnType<typeof bound>) => world.endStream(client.control),
    ],
    [
      "is its user's who is revoked",
      ({ world }: ReturnType<typeof bound>) => void world.revoke("room:ada", 1000),
    ],
    ["is the server's that closes", ({ world }: ReturnType<typeof bound>) => void world.close()],
  ] as const)
    test(`with an allocation that ${name} all its connections go: bound, pending, and being made`, () => {
      const each = bound()
      const { world, client } = each
      client.permit(OTHER)
      const { socket } = attempt({ world, client }, OTHER)
      client.connect({ ...PEER, port: 1 })
      act(each)
      for (const path of [each.toClient, each.toPeer]) assert.ok(!world.streams.has(world.paths.socket(path)))
      assert.ok(!world.streams.has(socket))
      leftNothing(world)
    })

  test("a path that is a data connection's means nothing once it is gone", () => {
    const { world, toClient } = bound()
    world.endStream(toClient)
    world.endStream(toClient)
    assert.equal(world.server.counters().connections, 0)
  })
})
