/** What an agent takes from its driver it gives back: paths, sockets, connections. */
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { parseIp } from "../bytes/index.ts"
import type { IceServer } from "./options.ts"
import { check, HOST, PEER, TestAgent } from "./testing/peer.ts"
import { TestRelay } from "./testing/relay.ts"
import { address } from "./testing/wire.ts"

const STUN: IceServer = { type: "stun", server: address("203.0.113.1:3478") }
const OTHER_IP = parseIp("192.0.2.9")!

function turn(transport: "udp" | "tcp"): IceServer {
  return { type: "turn", server: address("203.0.113.2:3478"), transport, username: "u", password: "p" }
}

function assertNothingIsLeft({ agent, wire }: TestAgent): void {
  assert.equal(wire.paths.held, 0, "paths are held")
  assert.deepEqual([...wire.sockets], [], "sockets are open")
  assert.equal(agent.nextTick, Infinity)
}

describe("a closed agent has given everything back", () => {
  test("after a call", () => {
    const test = new TestAgent().connect()
    test.close()
    assertNothingIsLeft(test)
  })

  test("after a restart, with both generations alive", () => {
    const test = new TestAgent().connect()
    test.restart()
    test.describe({ ufrag: "again", pwd: "another/password/of/theirs" })
    test.peerAt(PEER)
    test.wire.advance(50)
    test.close()
    assertNothingIsLeft(test)
  })

  test("while servers are being asked", () => {
    const test = new TestAgent({ servers: [STUN, turn("udp")] }).gather()
    test.wire.advance(100)
    assert.ok(test.wire.paths.held > 0)
    test.close()
    assertNothingIsLeft(test)
  })

  test("with an address that went while a server was being asked", () => {
    const test = new TestAgent({ servers: [STUN, turn("udp")] }).gather()
    test.wire.advance(100)
    test.gather(OTHER_IP)
    assert.equal(test.wire.sockets.size, 1)
    test.wire.advance(20_000)
    test.close()
    assertNothingIsLeft(test)
  })

  test("whatever comes back late is closed", () => {
    const test = new TestAgent({ tcp: true, servers: [turn("tcp")] })
    test.wire.binds = "held"
    test.gather()
    test.close()
    test.wire.answerHeld()
    assertNothingIsLeft(test)
  })

  test("and late connections are, to a peer and to a server", () => {
    const test = new TestAgent({ tcp: true, servers: [turn("tcp")] }).gather().describe()
    test.candidate("candidate:1 1 tcp 1518280447 198.51.100.7 5000 typ host tcptype passive")
    test.wire.advance(100)
    assert.equal(test.wire.asked.length, 2)
    test.close()
    test.wire.answerHeld()
    assertNothingIsLeft(test)
  })

  test("after streams ended by themselves: to a server, and to a peer with a pair", () => {
    const test = new TestAgent({ tcp: true, servers: [turn("tcp")] }).gather().describe()
    test.candidate("candidate:1 1 tcp 1518280447 198.51.100.7 5000 typ host tcptype passive")
    test.wire.advance(100)
    const before = new Set(test.wire.sockets.keys())
    test.wire.answerHeld()
    const streams = [...test.wire.sockets.keys()].filter(socket => !before.has(socket))
    assert.equal(streams.length, 2)
    for (const stream of streams) test.wire.end(stream)
    test.close()
    assertNothingIsLeft(test)
  })
})

describe("an allocation", () => {
  const relayed = ({ wire }: TestAgent) =>
    wire.events.filter(event => event.type === "candidate" && event.candidate.type === "relay")

  test("is given back by whoever closes, with its path", () => {
    const relay = new TestRelay()
    const test = new TestAgent({ servers: [relay.server] }).gather().describe()
    relay.run(test, 200)
    assert.equal(relayed(test).length, 1)
    test.peerAt(PEER)
    relay.run(test, 200)
    test.close()
    assertNothingIsLeft(test)
    relay.run(test, 50)
    assert.ok(
      relay.wire.evidence.some(({ kind }) => kind === "freed"),
      "the server was told",
    )
  })

  test("that its server forgot leaves nothing behind, in neither generation", () => {
    const relay = new TestRelay()
    const test = new TestAgent({ servers: [relay.server] }).gather().describe()
    relay.run(test, 200)
    test.peerAt(PEER)
    relay.run(test, 100)
    test.restart()
    relay.isUp = false
    relay.run(test, 700_000)
    test.close()
    assertNothingIsLeft(test)
  })

  test("goes with the address that it was made from, and another is made from the next", () => {
    const relay = new TestRelay()
    const test = new TestAgent({ servers: [relay.server] }).gather().describe()
    relay.run(test, 200)
    test.peerAt(PEER)
    relay.run(test, 100)
    test.gather(OTHER_IP)
    relay.run(test, 200)
    assert.equal(relayed(test).length, 2)
    test.close()
    assertNothingIsLeft(test)
  })
})

describe("an address that went", () => {
  test("takes its pairs with it, and another one is gathered on", () => {
    const test = new TestAgent().connect()
    test.gather(OTHER_IP)
    assert.equal(test.wire.sockets.size, 1)
    test.answerFor(50)
    assert.equal(test.agent.state, "connected")
    assert.deepEqual(
      test.agent.selected?.local.related?.ip ?? test.agent.selected?.local.address.ip,
      OTHER_IP,
    )
  })
})

describe("a closed agent", () => {
  test("hears and says nothing, and its commands are refused by name", () => {
    const test = new TestAgent().connect()
    const late = check(test.agent.local)
    const { socket } = test
    test.close()
    test.wire.sockets.set(socket, HOST)
    assert.deepEqual(test.deliver(late), [])
    assert.equal(test.send("late"), false)
    assert.throws(() => test.restart(), /restart: this agent is closed/)
    assert.throws(() => test.describe(), /setRemote: this agent is closed/)
    assert.throws(() => test.gather(), /gather: this agent is closed/)
    test.close()
    assert.deepEqual(
      test.wire.events.filter(({ type }) => type === "state").map(event => "state" in event && event.state),
      ["checking", "connected", "closed"],
    )
  })
})
