import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import { type Address, formatAddress } from "../bytes/index.ts"
import { Attribute, Method, type StunWriter } from "../stun/index.ts"
import type { TurnServerOptions } from "./index.ts"
import { Tickets } from "./mobility.ts"
import { type Answer, Client, newTransactionId } from "./testing/client.ts"
import { address, STREAM, World } from "./testing/world.ts"

const PEER = address("8.8.8.8:9000")
const DATA = Uint8Array.of(1, 2, 3)
const OLD = "1.2.3.4:5000"
const NEW = "9.9.9.9:6000"
const mobile = (writer: StunWriter) => writer.flag(Attribute.mobilityTicket)

const ticketIn = ({ message }: Answer): Uint8Array | undefined =>
  message.value(Attribute.mobilityTicket)?.slice()

/** The client at another address, with whatever ticket it shows there. */
function move(
  client: Client,
  to: string,
  ticket: Uint8Array,
  id?: Uint8Array,
): { there: Client; answer: Answer } {
  const there = new Client(client.world, to)
  there.username = client.username
  there.password = client.password
  there.relayed = client.relayed
  there.challenge()
  return { there, answer: show(there, ticket, id) }
}

function show(client: Client, ticket: Uint8Array, transactionId: Uint8Array = newTransactionId()): Answer {
  const fill = (writer: StunWriter) => writer.attribute(Attribute.mobilityTicket, ticket)
  return client.request(Method.refresh, fill, { transactionId })
}

function setUp(options: Partial<TurnServerOptions> = {}) {
  const world = new World({ mobility: true, ...options })
  const client = new Client(world, OLD)
  const answer = client.allocate(mobile)
  assert.equal(answer.code, 0)
  const ticket = ticketIn(answer)!
  assert.equal(client.bind(0x4000, PEER).code, 0)
  /** Where what the peer sends goes to. */
  const heardAt = (): string | undefined => {
    const [sent] = client.hear(PEER, DATA)
    return sent && formatAddress(sent.to)
  }
  return { world, client, ticket, heardAt }
}

function leftNothing(world: World): void {
  const { allocations, allocationsOver } = world.server.counters()
  assert.deepEqual([allocations, world.sockets.size, world.paths.held], [0, 0, 0])
  assert.deepEqual(allocationsOver, { udp: 0, tcp: 0, tls: 0 })
}

describe("mobility (RFC 8016)", () => {
  test("an allocation goes with its client: channels and permissions stay, data follows the client's own", () => {
    const { world, client, ticket, heardAt } = setUp()
    const { there, answer } = move(client, NEW, ticket)
    assert.equal(answer.code, 0)
    assert.equal(answer.message.uint32(Attribute.lifetime), 600)
    assert.notDeepEqual(ticketIn(answer), ticket)

    // Until it sends data from there, it may still be here.
    assert.equal(heardAt(), OLD)
    assert.deepEqual([...client.channelData(0x4000, DATA)[0]!.bytes], [...DATA])
    assert.equal(heardAt(), OLD)
    assert.deepEqual([...there.channelData(0x4000, DATA)[0]!.bytes], [...DATA])
    assert.equal(heardAt(), NEW)
    assert.deepEqual(client.channelData(0x4000, DATA), [])
    assert.equal(client.refresh().code, 437)
    assert.equal(there.permit(address("8.8.4.4:1")).code, 0)

    const moved = world.evidence.find(({ kind }) => kind === "moved")
    assert.deepEqual(moved, { layer: "turn", kind: "moved", allocation: 1, client: NEW, transport: "udp" })
    assert.equal(there.refresh(0).code, 0)
    leftNothing(world)
  })

  test("a Send indication moves it too, and it can move again, and back, with each new ticket", () => {
    const { world, client, ticket, heardAt } = setUp()
    let last = { there: client, ticket }
    for (const to of [NEW, "9.9.9.9:6001", OLD]) {
      const { there, answer } = move(last.there, to, last.ticket)
      assert.equal(answer.code, 0)
      there.sendTo(PEER, DATA)
      assert.equal(heardAt(), to)
      last = { there, ticket: ticketIn(answer)! }
    }
    world.advance(700_000)
    leftNothing(world)
  })

  test("a further request of the owner shows too that the client is there; another user's does not", () => {
    const { client, ticket, heardAt } = setUp()
    const { there } = move(client, NEW, ticket)
    const mallory = new Client(client.world, NEW, "mallory")
    mallory.challenge()
    assert.equal(mallory.permit(PEER).code, 441)
    assert.equal(heardAt(), OLD)
    assert.equal(there.bind(0x4000, PEER).code, 0)
    assert.equal(heardAt(), NEW)
  })

  test("a retransmission gets the same answer, before and after the client came", () => {
    const { client, ticket } = setUp()
    const id = newTransactionId()
    const { there, answer } = move(client, NEW, ticket, id)
    assert.deepEqual(ticketIn(show(there, ticket, id)), ticketIn(answer))
    there.channelData(0x4000, DATA)
    assert.deepEqual(ticketIn(show(there, ticket, id)), ticketIn(answer))
  })

  test("both of a dual allocation go together", () => {
    const world = new World({ mobility: true })
    const client = new Client(world, OLD)
    const dual = (writer: StunWriter) => writer.addressFamily(Attribute.additionalAddressFamily, 2)
    const answer = client.allocate(writer => {
      mobile(writer)
      dual(writer)
    })
    const peer6 = address("[2a02::2]:9000")
    assert.equal(client.permit(PEER, peer6).code, 0)
    const { there } = move(client, NEW, ticketIn(answer)!)
    assert.equal(there.sendTo(peer6, DATA).length, 1)
    const at = (from: Address) =>
      [...world.sockets]
        .filter(([, { family }]) => family === (from.ip.length === 4 ? 4 : 6))
        .flatMap(([socket]) => world.deliver(socket, from, DATA).map(({ to }) => formatAddress(to)))
    assert.deepEqual([at(PEER), at(peer6)], [[NEW], [NEW]])
    // One half goes; the ticket is still that of the other.
    const half = there.request(Method.refresh, writer => {
      writer.uint32(Attribute.lifetime, 0)
      writer.addressFamily(Attribute.requestedAddressFamily, 1)
    })
    assert.equal(half.code, 0)
    const back = move(there, "9.9.9.9:6001", ticketIn(show(there, ticketIn(answer)!))!)
    assert.equal(back.answer.code, 0)
    back.there.sendTo(peer6, DATA)
    assert.deepEqual(at(peer6), ["9.9.9.9:6001"])
    assert.equal(back.there.refresh(0).code, 0)
    leftNothing(world)
  })

  test("from a connection to UDP and the end of the old one", () => {
    const world = new World({ mobility: true })
    world.paths.carry(STREAM, "tcp")
    const client = new Client(world, OLD, "ada", undefined, STREAM)
    const ticket = ticketIn(client.allocate(mobile))!
    assert.equal(client.bind(0x4000, PEER).code, 0)
    const there = new Client(world, NEW)
    there.challenge()
    assert.equal(show(there, ticket).code, 0)
    world.lose(client.address, STREAM)
    assert.equal(formatAddress(client.hear(PEER, DATA)[0]!.to), NEW)
    assert.deepEqual(world.server.counters().allocationsOver, { udp: 1, tcp: 0, tls: 0 })
    there.refresh(0)
    leftNothing(world)
  })

  test("where it is expected over a connection that ends, it is not expected any more", () => {
    const { world, client, ticket, heardAt } = setUp()
    world.paths.carry(STREAM, "tcp")
    const there = new Client(world, NEW, "ada", undefined, STREAM)
    there.challenge()
    const second = ticketIn(show(there, ticket))!
    world.lose(there.address, STREAM)
    assert.equal(heardAt(), OLD)
    assert.equal(move(client, "9.9.9.9:6001", second).answer.code, 0)
    assert.equal(client.refresh(0).code, 0)
    leftNothing(world)
  })

  test("what is no ticket, or not for now, moves nothing", () => {
    const { world, client, ticket, heardAt } = setUp()
    assert.equal(show(client, ticket).code, 400, "it has not moved")
    const { there } = move(client, NEW, ticket)
    assert.equal(show(client, ticket).code, 400, "used, and from elsewhere")
    for (let bit = 0; bit < ticket.length * 8; bit++) {
      const damaged = ticket.slice()
      damaged[bit >> 3]! ^= 1 << (bit & 7)
      assert.equal(show(there, damaged).code, 400)
    }
    for (const length of [0, 1, 31, 32, 33, 400]) assert.equal(show(there, new Uint8Array(length)).code, 400)
    assert.equal(heardAt(), OLD)
    const taken = new Client(world, "7.7.7.7:1")
    const own = ticketIn(taken.allocate(mobile))!
    assert.equal(show(there, own).code, 437, "there is another allocation")
    taken.refresh(0)
    assert.equal(show(taken, own).code, 437, "its allocation is gone")
    const wish = new Client(world, "7.7.7.7:2")
    assert.equal(wish.allocate(writer => writer.attribute(Attribute.mobilityTicket, ticket)).code, 400)
  })

  test("without mobility: no ticket is given, and 405 for one that is shown", () => {
    const { ticket } = setUp()
    const client = new Client(new World(), OLD)
    assert.equal(ticketIn(client.allocate(mobile)), undefined)
    assert.equal(move(client, NEW, ticket).answer.code, 405)
    assert.equal(client.refresh().code, 0)
  })

  test("a client that asked for no ticket has none", () => {
    const world = new World({ mobility: true })
    const client = new Client(world, OLD)
    assert.equal(ticketIn(client.allocate()), undefined)
  })

  test("18. at most one move is pending: each forgets the one before, and holds nothing for it", () => {
    const { world, client, ticket, heardAt } = setUp()
    const held = world.paths.held
    let current = ticket
    let previous: Client | undefined
    for (let port = 1; port <= 200; port++) {
      const { there, answer } = move(client, `9.9.9.9:${port}`, current)
      assert.equal(answer.code, 0)
      current = ticketIn(answer)!
      assert.equal(world.paths.held, held + 1)
      if (previous !== undefined) assert.deepEqual(previous.channelData(0x4000, DATA), [])
      previous = there
    }
    assert.equal(heardAt(), OLD)
    client.refresh(0)
    leftNothing(world)
  })

  test("18. an allocation counts against its user's quota wherever it is, and for as long as it lives", () => {
    const { world, client, ticket } = setUp({ limits: { allocationsPerUser: 1 } })
    const another = new Client(world, "7.7.7.7:1")
    const { there } = move(client, NEW, ticket)
    assert.equal(another.allocate().code, 486)
    there.channelData(0x4000, DATA)
    assert.equal(another.allocate().code, 486)
    there.refresh(0)
    assert.equal(another.allocate().code, 0)
  })

  test("18. another user's ticket moves nothing: the key of the owner is asked for", () => {
    const { world, client, ticket, heardAt } = setUp()
    const held = world.paths.held
    const mallory = new Client(world, "6.6.6.6:1", "mallory")
    mallory.challenge()
    assert.equal(show(mallory, ticket).code, 441)
    const asOwner = mallory.request(
      Method.refresh,
      writer => writer.attribute(Attribute.mobilityTicket, ticket),
      { username: client.username, password: "wrong" },
    )
    assert.equal(asOwner.code, 401)
    assert.deepEqual(mallory.channelData(0x4000, DATA), [])
    assert.equal(heardAt(), OLD)
    assert.equal(world.paths.held, held)
  })

  test("the owner moves with credentials that have expired meanwhile", () => {
    const { world, client, ticket } = setUp()
    for (let minutes = 0; minutes < 70; minutes += 5) {
      world.advance(300_000)
      const answer = client.refresh()
      if (answer.code === 438) {
        client.nonce = answer.message.value(Attribute.nonce)!.slice()
        assert.equal(client.refresh().code, 0)
      }
    }
    assert.equal(move(client, NEW, ticket).answer.code, 0)
  })
})

test("a ticket says nothing to who cannot open it, and no two are alike", () => {
  const tickets = new Tickets(nodeCrypto)
  const seen = new Set<string>()
  for (let sequence = 0; sequence < 200; sequence++) {
    const ticket = tickets.seal({ handle: 7, sequence })
    assert.deepEqual(tickets.open(ticket), { handle: 7, sequence })
    assert.match(Buffer.from(ticket).toString(), /^[A-Za-z0-9+/]{32}$/)
    seen.add(Buffer.from(ticket.subarray(22)).toString())
    assert.equal(new Tickets(nodeCrypto).open(ticket), undefined)
  }
  assert.equal(seen.size, 200)
})
