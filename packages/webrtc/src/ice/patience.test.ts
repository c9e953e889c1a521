/** When a call has failed, and what a restart makes of it (RFC 8863, RFC 8445 §9). */
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { failure, HOST, PEER, TestAgent } from "./testing/peer.ts"

const AGAIN = { ufrag: "again", pwd: "another/password/of/theirs" }

function hopeless(): TestAgent {
  const test = new TestAgent().gather().describe()
  test.peerAt(PEER)
  test.wire.advance(20)
  for (const { bytes } of test.checks()) test.deliver(failure(bytes, 500))
  return test
}

describe("an agent whose every pair failed", () => {
  test("is patient for 39.5 s, says that it is still trying, and fails then", () => {
    const test = hopeless()
    test.wire.advance(39_000)
    assert.equal(test.agent.state, "checking")
    assert.equal(test.wire.events.filter(({ type }) => type === "still-trying").length, 1)
    test.wire.advance(1_000)
    assert.equal(test.agent.state, "failed")
    assert.equal(test.agent.nextTick, Infinity)
  })

  test("connects when the other end finds it before (RFC 8863 §3)", () => {
    const test = hopeless()
    test.wire.advance(30_000)
    test.deliver(test.check(), { ...PEER, port: 9_999 })
    test.answerFor(50, { ...PEER, port: 9_999 })
    assert.equal(test.agent.state, "connected")
    assert.equal(test.agent.selected?.remote.type, "prflx")
  })

  test("fails for good, until a restart", () => {
    const test = hopeless()
    test.wire.advance(40_000)
    test.peerAt({ ...PEER, port: 5_001 })
    assert.equal(test.agent.state, "failed")
    test.restart()
    test.describe(AGAIN)
    assert.equal(test.agent.state, "checking")
    test.close()
    assert.equal(test.wire.paths.held, 0)
  })
})

describe("credentials of theirs that are new", () => {
  test("restart us, too; the same ones again do not", () => {
    const test = new TestAgent().connect()
    const { ufrag } = test.agent.local
    test.describe()
    assert.equal(test.agent.local.ufrag, ufrag)
    test.describe(AGAIN)
    assert.notEqual(test.agent.local.ufrag, ufrag)
    assert.ok(test.send("over the old pair"))
  })

  test("twice in a row keep what carried data before both", () => {
    const test = new TestAgent().connect()
    test.restart()
    test.restart()
    assert.ok(test.send("still here"))
    assert.equal(test.agent.state, "connected")
    test.describe(AGAIN)
    test.peerAt({ ...PEER, port: 5_001 })
    test.wire.advance(1_000)
    assert.ok(test.send("still here"))
  })

  test("a hundred times over leave no more than two generations", () => {
    const test = new TestAgent().connect()
    const held = test.wire.paths.held
    for (let i = 0; i < 100; i++) {
      test.describe({ ...AGAIN, ufrag: `again${i}` })
      test.peerAt(PEER)
    }
    assert.ok(test.wire.paths.held <= 2 * held + 2, `${test.wire.paths.held} holds`)
    test.close()
    assert.equal(test.wire.paths.held, 0)
  })
})

describe("policy relay", () => {
  test("tells nothing of this host, and hears nothing on its socket but the servers", () => {
    const test = new TestAgent({ policy: "relay", role: "controlled" }).gather(HOST.ip).describe()
    test.peerAt(PEER)
    assert.deepEqual(test.deliver(test.check({ role: "controlling" })), [])
    test.deliver(new TextEncoder().encode("hello"))
    assert.deepEqual(test.data, [])
    test.wire.advance(1_000)
    assert.deepEqual(test.checks(), [])
    assert.ok(!test.wire.events.some(({ type }) => type === "candidate"))
  })
})
