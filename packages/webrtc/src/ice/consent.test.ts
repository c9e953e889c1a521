/** RFC 7675 on the wire, and the timeouts of checks. */
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { checkCredentials, makeCredentials } from "./credentials.ts"
import { RoundTrip } from "./round-trip.ts"
import { failure, PEER, success, TestAgent } from "./testing/peer.ts"
import { seededCrypto } from "./testing/wire.ts"

describe("consent", () => {
  test("is asked for every 0.8 to 1.2 times 5 s, never in step", () => {
    const test = new TestAgent().connect()
    test.answerFor(200)
    const times: number[] = []
    for (let i = 0; i < 30; i++) {
      let asked = test.checks()
      while (asked.length === 0) {
        test.wire.advance(5)
        asked = test.checks()
      }
      assert.equal(asked.length, 1)
      times.push(asked[0]!.at)
      test.deliver(success(asked[0]!.bytes))
    }
    const intervals = times.slice(1).map((at, i) => at - times[i]!)
    for (const interval of intervals) assert.ok(interval >= 4_000 && interval <= 6_010, `${interval} ms`)
    assert.ok(new Set(intervals).size > 10)
  })

  test("ends 30 s after the last answer: then nothing is sent, not even data", () => {
    const test = new TestAgent().connect()
    test.answerFor(100)
    const answeredAt = test.wire.now
    test.wire.advance(29_000)
    assert.ok(test.send("still allowed"))
    assert.equal(test.agent.state, "disconnected")
    test.wire.advance(answeredAt + 30_001 - test.wire.now)
    assert.equal(test.send("not any more"), false)
    assert.ok(test.noted("consent").some(each => "state" in each && each.state === "expired"))
  })

  test("is not given by what is not signed, nor by an error", () => {
    const test = new TestAgent().connect()
    test.answerFor(100)
    for (let second = 0; second < 31; second++) {
      for (const { bytes } of test.checks()) test.deliver(failure(bytes, 401, ""))
      test.wire.advance(1_000)
    }
    assert.equal(test.send("not any more"), false)
  })

  test("is not given by checks of theirs alone (RFC 7675 §5.1)", () => {
    const test = new TestAgent().connect()
    test.answerFor(100)
    for (let second = 0; second < 31; second++) {
      test.deliver(test.check())
      test.wire.advance(1_000)
    }
    assert.equal(test.send("not any more"), false)
  })

  test("returns: what answers again is used again", () => {
    const test = new TestAgent().connect()
    test.wire.advance(10_000)
    assert.equal(test.agent.state, "disconnected")
    test.checks()
    test.answerFor(2_000)
    assert.equal(test.agent.state, "connected")
    assert.equal(test.agent.selected?.remote.address.port, PEER.port)
  })
})

describe("the retransmission timeout (RFC 6298 §2)", () => {
  test("is 250 ms before anything was measured, then by what was, with a floor", () => {
    const roundTrip = new RoundTrip()
    assert.equal(roundTrip.timeout, 250)
    roundTrip.sample(200)
    // 200 + 4 · 100
    assert.equal(roundTrip.timeout, 600)
    roundTrip.sample(200)
    // 200 + 4 · 75
    assert.equal(roundTrip.timeout, 500)
    for (let i = 0; i < 100; i++) roundTrip.sample(1)
    assert.equal(roundTrip.timeout, 100)
  })

  test("is what the options say", () => {
    assert.equal(new RoundTrip({ first: 500 }).timeout, 500)
    const fixed = new RoundTrip({ fixed: 500 })
    fixed.sample(10)
    assert.equal(fixed.timeout, 500)
  })

  test("doubles from request to request", () => {
    const test = new TestAgent().gather().describe()
    test.peerAt(PEER)
    test.wire.advance(2_000)
    const times = test.checks().map(({ at }) => at)
    assert.deepEqual(
      times.map(at => at - times[0]!),
      [0, 250, 750, 1_750],
    )
  })

  for (const rto of [{ first: 0 }, { floor: -1 }, { fixed: Number.NaN }, { first: Infinity }])
    test(`of ${Object.values(rto)[0]} is the programmer's mistake: it names rto.${Object.keys(rto)[0]}`, () => {
      assert.throws(() => new TestAgent({ rto }), new RegExp(`rto.${Object.keys(rto)[0]}`))
    })
})

describe("credentials", () => {
  test("made here are of RFC 8839 §5.4's form, and new each time", () => {
    const crypto = seededCrypto(3)
    const [one, two] = [makeCredentials(crypto), makeCredentials(crypto)]
    checkCredentials(one)
    assert.notEqual(one.ufrag, two.ufrag)
    assert.notEqual(one.pwd, two.pwd)
    // RFC 8445 §5.3: at least 24 bits, and 128.
    assert.ok(one.ufrag.length * 6 >= 24 && one.pwd.length * 6 >= 128)
  })

  const good = { ufrag: "abcd", pwd: "a".repeat(22) }
  for (const [bad, named] of [
    [{ ...good, ufrag: "abc" }, /^ufrag/],
    [{ ...good, ufrag: "a".repeat(257) }, /^ufrag/],
    [{ ...good, ufrag: "ab:d" }, /^ufrag/],
    [{ ...good, pwd: "a".repeat(21) }, /^pwd/],
    [{ ...good, pwd: `${"a".repeat(22)}\n` }, /^pwd/],
  ] as const)
    test(`of theirs that the RFC does not allow are refused by name: ${JSON.stringify(bad).slice(0, 60)}`, () => {
      assert.throws(
        () => checkCredentials(bad),
        (error: unknown) => error instanceof TypeError && named.test(error.message),
      )
      assert.doesNotThrow(() => checkCredentials(good))
    })
})
