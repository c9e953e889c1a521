import assert from "node:assert/strict"
import { describe, test } from "node:test"
import fc from "fast-check"
import { type Address, formatAddress } from "../bytes/index.ts"
import type { Path } from "../contract/index.ts"
import { Attribute, MessageClass, Method, type StunWriter } from "../stun/index.ts"
import type { TurnServerOptions } from "./index.ts"
import { PeerPolicy } from "./peer-policy.ts"
import { type Answer, addressIn, Client, read } from "./testing/client.ts"
import { address, EPOCH, type Sent, World } from "./testing/world.ts"

const PEER = address("8.8.8.8:9000")
const OTHER = address("8.8.4.4:9000")
const TCP = 6

const tcp = (writer: StunWriter): void => writer.requestedTransport(TCP)

/** A client over TCP, its control connection. */
class TcpClient extends Client {
  readonly participant: string

  constructor(world: World, text: string, participant = "ada", transport: "tcp" | "tls" = "tcp") {
    super(world, text, participant, EPOCH / 1000 + 3600, world.openStream(transport))
    this.participant = participant
  }

  allocateTcp(fill: (writer: StunWriter) => void = () => {}): Answer {
    this.challenge()
    const answer = this.request(Method.allocate, writer => {
      tcp(writer)
      fill(writer)
    })
    if (answer.code === 0) this.relayed = addressIn(answer.message, Attribute.xorRelayedAddress)
    return answer
  }

  get control(): Path {
    return this.world.paths.open(this.socket, this.address)
  }

  /** Asks for a connection; the answer is there at once only when it is an error. */
  connect(peer: Address, fill: (writer: StunWriter) => void = () => {}): Sent[] {
    const request = this.signed(Method.connect, writer => {
      writer.xorAddress(Attribute.xorPeerAddress, peer.ip, peer.port)
      fill(writer)
    })
    return this.send(request)
  }

  refusedConnect(peer: Address): number {
    return this.answer(this.connect(peer)).code
  }

  /** Connects to a peer who is there. Returns the CONNECTION-ID. */
  connected(peer: Address = PEER): number {
    assert.deepEqual(this.connect(peer), [])
    return idIn(this.answer(this.world.connected()))
  }

  /** Another connection of the same user, from another port. */
  dataConnection(transport: "tcp" | "tls" = "tcp"): DataConnection {
    const { address } = this
    const text = formatAddress({
      ip: address.ip,
      port: address.port + 1000 + this.world.streams.size,
    })
    return new DataConnection(this.world, text, this.participant, transport)
  }
}

class DataConnection extends TcpClient {
  bindTo(id: number): Answer {
    if (this.nonce === undefined) this.challenge()
    return this.request(Method.connectionBind, writer => writer.uint32(Attribute.connectionId, id))
  }
}

function idIn({ code, message }: Answer): number {
  assert.equal(code, 0)
  return message.uint32(Attribute.connectionId)
}

function setUp(options: Partial<TurnServerOptions> = {}) {
  const world = new World({ tcpPeers: true, ...options })
  const client = new TcpClient(world, "1.2.3.4:5000")
  assert.equal(client.allocateTcp().code, 0)
  return { world, client }
}

/** What a peer that connects comes to. */
function attempt({ world, client }: { world: World; client: Client }, peer: Address) {
  const { sent, socket } = world.connectFrom(peer, client.relayed!.port)
  return { sent, socket, isOpen: world.streams.has(socket) }
}

function leftNothing(world: World): void {
  const { allocations, connections, freePorts } = world.server.counters()
  assert.deepEqual([allocations, connections, freePorts], [0, 0, 2000])
  assert.deepEqual([world.sockets.size, world.connects.length, world.paths.held], [0, 0, 0])
  assert.equal(world.server.nextTick, Infinity)
}

const kinds = (world: World): string[] => world.evidence.map(({ kind }) => kind)

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

describe("ConnectionAttempt (RFC 6062 §5.3)", () => {
  test("tells the client of a peer with a permission, by any of its ports", () => {
    const { world, client } = setUp()
    client.permit(PEER)
    const from = { ...PEER, port: 4242 }
    const { sent, isOpen } = attempt({ world, client }, from)
    assert.ok(isOpen)
    assert.deepEqual(sent[0]!.to, client.address)
    const { message } = read(sent[0]!.bytes)
    assert.deepEqual([message.class, message.method], [MessageClass.indication, Method.connectionAttempt])
    assert.deepEqual(addressIn(message, Attribute.xorPeerAddress), from)
    assert.equal(client.dataConnection().bindTo(message.uint32(Attribute.connectionId)).code, 0)
    // One to each peer's transport address.
    assert.ok(!attempt({ world, client }, from).isOpen)
    assert.equal(client.refusedConnect(from), 446)
  })

  test("closes who has none at once, says nothing, and notes it once", () => {
    const { world, client } = setUp()
    for (let i = 0; i < 3; i++) {
      const { sent, isOpen } = attempt({ world, client }, PEER)
      assert.deepEqual([sent, isOpen], [[], false])
    }
    assert.equal(kinds(world).filter(kind => kind === "unpermitted-peer").length, 1)
    assert.equal(world.server.counters().drops["no-permission"], 3)
    // A Connect gives no permission to come the other way.
    client.connected(PEER)
    assert.ok(!attempt({ world, client }, { ...PEER, port: 1 }).isOpen)
    // One that has expired is none.
    client.permit(OTHER)
    world.advance(299_999)
    assert.ok(attempt({ world, client }, OTHER).isOpen)
    world.advance(1)
    assert.ok(!attempt({ world, client }, { ...OTHER, port: 1 }).isOpen)
  })

  test("closes who may be no peer, permission or not", () => {
    const { world, client } = setUp({ relayedAddress: { v4: Uint8Array.of(10, 0, 0, 5) } })
    // The address that this server relays from is given a permission whatever the port.
    assert.equal(client.permit(address("10.0.0.5:22")).code, 0)
    assert.ok(!attempt({ world, client }, address("10.0.0.5:22")).isOpen)
  })

  test("many attempts make little evidence", () => {
    const { world, client } = setUp({ limits: { connectionsNotedPerSecond: 5 } })
    client.permit(PEER)
    for (let port = 1; port <= 30; port++) attempt({ world, client }, { ...PEER, port })
    assert.equal(kinds(world).filter(kind => kind === "peer-connected").length, 5)
    assert.equal(world.server.counters().evidenceSuppressed, 25)
  })
})

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

describe("what must not be guessed, and what strangers may not do", () => {
  test("13. CONNECTION-IDs are random: all different, and no pattern in them", () => {
    const { client, world } = setUp({ limits: { connections: 1000 } })
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
