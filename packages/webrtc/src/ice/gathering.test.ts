/** Servers that lie or are silent, and what gathering is over with. */
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { formatAddress, parseIp } from "../bytes/index.ts"
import { Attribute, MessageClass, Method, StunWriter } from "../stun/index.ts"
import type { IceServer } from "./options.ts"
import { HOST, PEER, parsed, TestAgent } from "./testing/peer.ts"
import { address } from "./testing/wire.ts"

const SERVER = address("203.0.113.1:3478")
const servers: readonly IceServer[] = [{ type: "stun", server: SERVER }]
const PUBLIC = parseIp("198.51.100.200")!

/** What a STUN server says: this is where I see you. */
function seenAt(request: Uint8Array, port: number): Uint8Array {
  const bytes = new Uint8Array(100)
  const writer = new StunWriter()
  const { transactionId } = parsed(request)
  writer.begin(bytes, 0, bytes.length, MessageClass.success, Method.binding, transactionId)
  writer.xorAddress(Attribute.xorMappedAddress, PUBLIC, port)
  return bytes.slice(0, writer.end())
}

/** Answers what the server is asked, for `ms`; returns how often it was. */
function serveFor(test: TestAgent, ms: number, portOf: (query: number) => number): number {
  let queries = 0
  for (let passed = 0; passed < ms; passed += 5) {
    test.wire.advance(5)
    for (const { bytes, to, socket } of test.checks())
      if (formatAddress(to) === formatAddress(SERVER))
        test.deliver(seenAt(bytes, portOf(++queries)), SERVER, socket)
  }
  return queries
}

const toldOf = ({ wire }: TestAgent) => wire.events.filter(({ type }) => type === "candidate")

describe("a STUN server", () => {
  test("gives a reflexive candidate, told with its base, and then the end", () => {
    const test = new TestAgent({ servers }).gather()
    serveFor(test, 50, () => 61_000)
    assert.deepEqual(
      test.wire.events.flatMap(event => (event.type === "candidate" ? [event.candidate.type] : [event.type])),
      ["host", "srflx", "end-of-candidates"],
    )
  })

  test("that sees us elsewhere each time is not asked at once again and again", () => {
    const test = new TestAgent({ servers }).gather().describe()
    test.peerAt(PEER)
    const queries = serveFor(test, 30_000, query => 1_000 + query)
    assert.ok(queries <= 20, `${queries} queries`)
    assert.ok(toldOf(test).length <= 20, `${toldOf(test).length} candidates`)
    // What it said before is not said again by a restart: the NAT has forgotten it.
    const before = toldOf(test).length
    test.restart()
    assert.equal(toldOf(test).length - before, 2)
  })

  test("that is silent costs the candidate, and the end is told", () => {
    const test = new TestAgent({ servers }).gather()
    test.wire.advance(9_700)
    assert.ok(!test.wire.events.some(({ type }) => type === "end-of-candidates"))
    test.wire.advance(100)
    assert.ok(test.wire.events.some(({ type }) => type === "end-of-candidates"))
    assert.equal(test.noted("gathering-failed").length, 1)
  })

  test("is not who answers from another address, or another transaction", () => {
    const test = new TestAgent({ servers }).gather()
    test.wire.advance(20)
    const [query] = test.checks()
    const other = query!.bytes.map((byte, i) => (i === 19 ? byte ^ 1 : byte))
    test.deliver(seenAt(query!.bytes, 61_000), PEER)
    test.deliver(seenAt(other, 61_000), SERVER)
    assert.equal(toldOf(test).length, 1)
    test.deliver(seenAt(query!.bytes, 61_000), SERVER)
    assert.equal(toldOf(test).length, 2)
  })
})

describe("the end of candidates", () => {
  test("does not wait for connections to the other end", () => {
    const test = new TestAgent({ tcp: true }).describe()
    test.candidate("candidate:1 1 tcp 1518280447 198.51.100.7 5000 typ host tcptype passive")
    test.wire.binds = "held"
    test.gather(HOST.ip)
    const connects = test.wire.asked.filter(({ type }) => type === "connect")
    assert.equal(connects.length, 1)
    // The connection hangs; the sockets are there.
    test.wire.asked.splice(test.wire.asked.indexOf(connects[0]!), 1)
    test.wire.answerHeld()
    assert.ok(test.wire.events.some(({ type }) => type === "end-of-candidates"))
  })
})
