import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import { ReplayWindow } from "./replay-window.ts"

test("each number is taken once, and none 256 or more behind the highest", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 2_000 }), { maxLength: 400 }), numbers => {
      const window = new ReplayWindow()
      const taken = new Set<number>()
      for (const number of numbers) {
        const isLate = number <= Math.max(-1, ...taken) - 256
        assert.equal(window.isNew(number), !isLate && !taken.has(number))
        if (!window.isNew(number)) continue
        window.add(number)
        taken.add(number)
      }
    }),
  )
})

test("numbers beyond 32 bits are exact", () => {
  const window = new ReplayWindow()
  window.add(2 ** 48 - 2)
  assert.ok(!window.isNew(2 ** 48 - 2))
  assert.ok(window.isNew(2 ** 48 - 1))
  assert.ok(window.isNew(2 ** 48 - 3))
  assert.ok(!window.isNew(2 ** 48 - 258))
})
