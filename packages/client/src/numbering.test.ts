import assert from "node:assert/strict"
import { describe, test } from "node:test"
import fc from "fast-check"
import { ACK_AFTER, Inbox, Outbox } from "./numbering.ts"

const n = (text: string) => (JSON.parse(text) as { n: number }).n

const MESSAGE = JSON.stringify({ type: "hand", raised: true })

describe("Outbox and Inbox", () => {
  test("bring everything across once and in order, wherever the line is cut", () => {
    const cuts = fc.array(fc.record({ say: fc.nat(5), arrive: fc.nat(5), ackArrives: fc.boolean() }), {
      maxLength: 30,
    })
    fc.assert(
      fc.property(cuts, cuts => {
        const outbox = new Outbox()
        const inbox = new Inbox()
        const heard: number[] = []
        let said = 0
        const receive = (text: string) => {
          const place = inbox.accept(n(text))
          assert.notEqual(place, "gap")
          if (place === "new") heard.push(n(text))
        }
        for (const { say, arrive, ackArrives } of cuts) {
          // What is under way when the line is cut is lost; then a new line replays what was not acknowledged.
          const underWay = Array.from({ length: say }, () => outbox.add(JSON.stringify({ what: said++ }), 0))
          for (const text of underWay.slice(0, arrive)) receive(text)
          if (ackArrives) outbox.acknowledge(inbox.ack())
          assert.ok(outbox.reaches(inbox.received))
          for (const text of outbox.unacknowledged()) receive(text)
        }
        assert.deepEqual(
          heard,
          Array.from({ length: said }, (_, i) => i + 1),
        )
      }),
    )
  })

  test("an outbox that holds too much gives up, and says so", () => {
    const outbox = new Outbox({ messages: 3, bytes: 1e6 })
    for (let i = 0; i < 3; i++) outbox.add(MESSAGE, 0)
    assert.ok(!outbox.overflowed && outbox.reaches(0))
    outbox.add(MESSAGE, 0)
    assert.ok(outbox.overflowed && !outbox.reaches(4))
    assert.equal([...outbox.unacknowledged()].length, 0)
    assert.equal(n(outbox.add(MESSAGE, 0)), 5)
    const large = new Outbox({ messages: 100, bytes: 200 })
    large.add(JSON.stringify({ text: "x".repeat(300) }), 0)
    assert.ok(large.overflowed)
  })

  test("acknowledgements of what was never said, or long ago, change nothing", () => {
    const outbox = new Outbox()
    outbox.add(MESSAGE, 0)
    outbox.acknowledge(99)
    assert.ok(outbox.reaches(0) && !outbox.reaches(99))
    outbox.acknowledge(1)
    outbox.acknowledge(0)
    assert.ok(outbox.reaches(1) && !outbox.reaches(0))
  })

  test("an inbox owes an acknowledgement after so many messages", () => {
    const inbox = new Inbox()
    for (let i = 1; i < ACK_AFTER; i++) inbox.accept(i)
    assert.ok(!inbox.owesAck)
    inbox.accept(ACK_AFTER)
    assert.ok(inbox.owesAck)
    assert.equal(inbox.ack(), ACK_AFTER)
    assert.ok(!inbox.owesAck)
    assert.equal(inbox.accept(ACK_AFTER), "duplicate")
    assert.equal(inbox.accept(ACK_AFTER + 2), "gap")
  })
})
