import assert from "node:assert/strict"
import { test } from "node:test"
import { percentile, rtoCall } from "./rto.ts"

const CALLS = 150

test("where a fifth is lost, RTOs that follow the round trip connect far sooner than RFC 8445's 500 ms", () => {
  const calls = Array.from({ length: CALLS }, (_, seed) => rtoCall(seed))
  const p95 = (of: "adaptive" | "fixed") =>
    percentile(
      calls.map(call => call[of]),
      0.95,
    )
  assert.ok(p95("adaptive") <= 0.7 * p95("fixed"), `${p95("adaptive")} ms, ${p95("fixed")} ms`)
})

test("a percentile is a value that was there", () => {
  assert.equal(percentile([4, 1, 3, 2], 0.5), 2)
  assert.equal(percentile([4, 1, 3, 2], 0.95), 4)
  assert.equal(percentile([7], 0), 7)
})
