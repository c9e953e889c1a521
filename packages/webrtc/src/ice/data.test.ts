/** Whose data is taken: of those who proved who they are, by a check of theirs or the answer to one of ours. */
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { PEER, success, TestAgent, THEIRS, utf8 } from "./testing/peer.ts"
import { address } from "./testing/wire.ts"

const STRANGER = address("203.0.113.66:6666")

describe("data", () => {
  test("of an address that was told, and proved nothing, is dropped", () => {
    const test = new TestAgent().gather().describe()
    test.peerAt(PEER)
    test.wire.advance(100)
    test.deliver(utf8("too early"))
    test.deliver(utf8("who?"), STRANGER)
    assert.deepEqual(test.data, [])
  })

  test("is taken once our check was answered there", () => {
    const test = new TestAgent().gather().describe()
    test.peerAt(PEER)
    test.wire.advance(10)
    test.deliver(success(test.checks()[0]!.bytes, undefined, "no/password/of/anybody's"))
    test.deliver(utf8("forged"))
    test.answerFor(300)
    test.deliver(utf8("proved"))
    assert.deepEqual(test.data, ["proved"])
  })

  test("is taken once a check came from there, before any of ours was answered", () => {
    const test = new TestAgent().gather().describe()
    test.peerAt(PEER)
    test.deliver(test.check({ pwd: "no/password/of/anybody's" }))
    test.deliver(utf8("forged"))
    test.deliver(test.check())
    test.deliver(utf8("proved"))
    assert.deepEqual(test.data, ["proved"])
  })

  test("is taken where a check came from, before the other end's description is here", () => {
    const test = new TestAgent({ role: "controlled" }).gather()
    test.deliver(test.check({ role: "controlling" }))
    test.deliver(utf8("early"))
    test.deliver(utf8("who?"), STRANGER)
    test.describe(THEIRS)
    test.deliver(utf8("later"))
    assert.deepEqual(test.data, ["early", "later"])
  })

  test("that never gets a description leaves nothing held", () => {
    const test = new TestAgent({ role: "controlled" }).gather()
    for (const port of [1, 2, 3]) test.deliver(test.check({ role: "controlling" }), { ...PEER, port })
    assert.equal(test.wire.paths.held, 3)
    test.gather()
    test.close()
    assert.equal(test.wire.paths.held, 0)
  })
})

describe("the round trip", () => {
  test("is that of the pair in use, and not known before there is one", () => {
    const test = new TestAgent().gather().describe()
    assert.equal(test.agent.roundTrip, undefined)
    test.peerAt(PEER)
    test.wire.advance(10)
    const [first] = test.checks()
    test.wire.advance(test.wire.now - first!.at < 40 ? 40 - (test.wire.now - first!.at) : 0)
    test.deliver(success(first!.bytes))
    assert.equal(test.agent.roundTrip, 40)
  })

  test("is what it is at most, where the answer may be to any of several requests", () => {
    const test = new TestAgent().gather().describe()
    test.peerAt(PEER)
    test.wire.advance(400)
    const [first, ...others] = test.checks()
    assert.ok(others.length > 0)
    test.deliver(success(first!.bytes))
    assert.equal(test.agent.roundTrip, test.wire.now - first!.at)
  })
})
