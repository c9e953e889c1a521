/** RFC 8445 §2.5: who only answers. */
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { codeOf, HIGHEST, LOWEST, PEER, TestAgent } from "./testing/peer.ts"

const lite = () => new TestAgent({ role: "controlled", lite: true }).gather().describe()

describe("a lite agent", () => {
  test("is connected by a check, uses what is nominated, sends no checks, and needs no timer but the one of consent", () => {
    const test = lite()
    const nominating = () =>
      test.deliver(test.check({ role: "controlling", tieBreaker: HIGHEST, isNominating: true }))
    assert.deepEqual(nominating().map(codeOf), [0])
    assert.equal(test.agent.state, "connected")
    assert.ok(test.send("hello"))
    test.wire.advance(29_000)
    assert.equal(test.agent.state, "connected")
    nominating()
    test.wire.advance(29_000)
    assert.equal(test.agent.state, "connected")
    test.wire.advance(2_000)
    assert.equal(test.send("nobody is there"), false)
    assert.deepEqual(test.checks().length, 0)
  })

  test("stays controlled, whatever the tie-breaker", () => {
    const test = lite()
    for (const tieBreaker of [LOWEST, HIGHEST])
      assert.deepEqual(test.deliver(test.check({ role: "controlled", tieBreaker })).map(codeOf), [487])
    assert.equal(test.agent.role, "controlled")
  })
})

describe("an agent whose other end is lite", () => {
  test("controls (RFC 8445 §6.1.1)", () => {
    const test = new TestAgent({ role: "controlled" }).gather()
    test.describe({ ufrag: "peer", pwd: "the/password/of/the/peer", lite: true })
    test.peerAt(PEER)
    assert.equal(test.agent.role, "controlling")
  })
})
