import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import {
  MessageClass,
  Method,
  StunMessage,
  StunWriter,
  Transaction,
  type TransactionOptions,
} from "./index.ts"

function timesOf(options?: TransactionOptions): { sent: number[]; timedOutAt: number } {
  const transaction = new Transaction(Method.binding, nodeCrypto, 1000, options)
  const sent: number[] = []
  for (let now = 1000; ; now = transaction.nextTick) {
    const step = transaction.step(now)
    if (step === "timed-out") return { sent, timedOutAt: now - 1000 }
    assert.equal(step, "send")
    sent.push(now - 1000)
    assert.equal(transaction.step(now), "wait")
  }
}

describe("Transaction", () => {
  test("sends at the times that RFC 8489 §6.2.1 names, and fails when it says", () => {
    assert.deepEqual(timesOf(), { sent: [0, 500, 1500, 3500, 7500, 15_500, 31_500], timedOutAt: 39_500 })
    assert.deepEqual(timesOf({ rto: 100, rc: 3, rm: 2 }), { sent: [0, 100, 300], timedOutAt: 500 })
  })

  test("is over once it timed out", () => {
    const transaction = new Transaction(Method.binding, nodeCrypto, 0, { rc: 1, rm: 1 })
    assert.equal(transaction.step(0), "send")
    assert.equal(transaction.step(500), "timed-out")
    assert.equal(transaction.nextTick, Infinity)
  })

  test("knows its answers by class, method and id", () => {
    const transaction = new Transaction(Method.binding, nodeCrypto, 0)
    const answer = (messageClass: MessageClass, method: number, id: Uint8Array) => {
      const bytes = new Uint8Array(20)
      new StunWriter().begin(bytes, 0, 20, messageClass, method, id)
      const message = new StunMessage()
      message.parse(bytes, 0, 20)
      return transaction.isAnsweredBy(message)
    }
    assert.ok(answer(MessageClass.success, Method.binding, transaction.id))
    assert.ok(answer(MessageClass.error, Method.binding, transaction.id))
    assert.ok(!answer(MessageClass.request, Method.binding, transaction.id))
    assert.ok(!answer(MessageClass.indication, Method.binding, transaction.id))
    assert.ok(!answer(MessageClass.success, Method.allocate, transaction.id))
    assert.ok(!answer(MessageClass.success, Method.binding, new Uint8Array(12)))
    assert.notDeepEqual(transaction.id, new Transaction(Method.binding, nodeCrypto, 0).id)
  })

  test("measures a round trip only when one request was sent (Karn)", () => {
    const transaction = new Transaction(Method.binding, nodeCrypto, 0)
    transaction.step(0)
    assert.equal(transaction.roundTrip(40), 40)
    transaction.step(500)
    assert.equal(transaction.roundTrip(540), undefined)
  })
})
