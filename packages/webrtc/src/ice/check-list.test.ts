import assert from "node:assert/strict"
import { describe, test } from "node:test"
import fc from "fast-check"
import { type CandidatePair, comparePriority } from "./candidate-pair.ts"
import { CheckList } from "./check-list.ts"
import { base, candidate, pair } from "./testing/pairs.ts"

/** A list of pairs from one base, with remote candidates of these foundations, the first the best. */
function listOf(foundations: readonly string[], limit = 100) {
  const list = new CheckList(limit)
  const local = candidate(1, { priority: 1_000 })
  const of = base(local)
  const pairs = foundations.map((foundation, i) =>
    pair(local, candidate(100 + i, { foundation, priority: 900 - i }), of),
  )
  for (const each of pairs) list.add(each, "controlling")
  return { list, pairs }
}

const statesOf = (pairs: readonly CandidatePair[]) => pairs.map(({ state }) => state)

describe("the order of pairs", () => {
  test("is RFC 8445 §6.1.2.3's, and the same at both ends", () => {
    const priority = fc.oneof(fc.integer({ min: 1, max: 2 ** 31 - 1 }), fc.integer({ min: 1, max: 3 }))
    const formula = (g: number, d: number) =>
      (BigInt(Math.min(g, d)) << 32n) + 2n * BigInt(Math.max(g, d)) + (g > d ? 1n : 0n)
    fc.assert(
      fc.property(priority, priority, priority, priority, (g1, d1, g2, d2) => {
        const [ours1, theirs1] = [candidate(1, { priority: g1 }), candidate(2, { priority: d1 })]
        const [ours2, theirs2] = [candidate(3, { priority: g2 }), candidate(4, { priority: d2 })]
        const difference = formula(g2, d2) - formula(g1, d1)
        const expected = difference > 0n ? 1 : difference < 0n ? -1 : 0
        const controlling = comparePriority(pair(ours1, theirs1), pair(ours2, theirs2), "controlling")
        const controlled = comparePriority(pair(theirs1, ours1), pair(theirs2, ours2), "controlled")
        assert.equal(Math.sign(controlling), expected)
        assert.equal(Math.sign(controlled), expected)
      }),
    )
  })
})

describe("a check list", () => {
  test("begins with the best pair of each foundation, the others are frozen (RFC 8445 §6.1.2.6)", () => {
    const { pairs } = listOf(["a", "a", "b", "b"])
    assert.deepEqual(statesOf(pairs), ["waiting", "frozen", "waiting", "frozen"])
  })

  test("a pair that works thaws its foundation; one that failed lets the next be tried (§7.2.5.3.3, §6.1.4.2)", () => {
    const { list, pairs } = listOf(["a", "a", "b", "b", "b"])
    const [a1, a2, b1, b2, b3] = pairs as [
      CandidatePair,
      CandidatePair,
      CandidatePair,
      CandidatePair,
      CandidatePair,
    ]
    a1.state = "succeeded"
    list.unfreeze(a1.foundation)
    assert.equal(a2.state, "waiting")
    assert.equal(b2.state, "frozen")
    a2.state = "failed"
    b1.state = "in-progress"
    assert.equal(list.hasNext, false)
    b1.state = "failed"
    assert.equal(list.next(), b2)
    b2.state = "in-progress"
    assert.equal(list.next(), undefined)
    assert.equal(b3.state, "frozen")
  })

  test("goes through what is triggered first, first in, first out, each once (§6.1.4.1)", () => {
    const { list, pairs } = listOf(["a", "b", "c", "d"])
    for (const i of [3, 1, 3, 2]) list.trigger(pairs[i]!)
    const order = []
    for (let each = list.next(); each !== undefined; each = list.next()) {
      each.state = "in-progress"
      order.push(pairs.indexOf(each))
    }
    assert.deepEqual(order, [3, 1, 2, 0])
    assert.equal(list.hasNext, false)
  })

  test("does not wait for a pair whose relay has no permission yet", () => {
    const list = new CheckList(10)
    const local = candidate(1)
    let isReady = false
    const relayed = pair(
      local,
      candidate(100, { foundation: "a" }),
      base(local, () => isReady),
    )
    const direct = pair(local, candidate(101, { foundation: "b" }))
    for (const each of [relayed, direct]) list.add(each, "controlling")
    list.trigger(relayed)
    assert.equal(list.next(), direct)
    direct.state = "in-progress"
    assert.equal(list.hasNext, false)
    isReady = true
    assert.equal(list.next(), relayed)
  })

  test("is limited: the worst that neither works nor is being tried makes room (§6.1.2.5)", () => {
    const { list, pairs } = listOf(["a", "b", "c"], 3)
    const local = candidate(2, { priority: 2_000 })
    pairs[2]!.state = "succeeded"
    const better = pair(local, candidate(200, { priority: 2_000 }))
    assert.equal(list.add(better, "controlling"), pairs[1])
    list.remove(pairs[1]!)
    const worse = pair(local, candidate(201, { priority: 1 }))
    assert.equal(list.add(worse, "controlling"), worse)
    list.remove(worse)
    assert.deepEqual(list.pairs, [better, pairs[0], pairs[2]])
  })
})
