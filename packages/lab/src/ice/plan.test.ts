import assert from "node:assert/strict"
import { test } from "node:test"
import { outwards } from "./place.ts"
import { planOf } from "./plan.ts"

const plans = Array.from({ length: 2000 }, (_, seed) => planOf(seed))

test("a plan is a function of its seed", () => {
  for (const seed of [0, 7, 1999]) assert.deepEqual(planOf(seed), plans[seed])
})

test("each has a NAT at either end, and half of them a change on the way", () => {
  for (const { ends } of plans)
    for (const { place } of ends) assert.ok([...outwards(place)].some(({ router }) => router.kind === "nat"))
  const changes = plans.filter(({ change }) => change.type !== "none").length
  assert.ok(changes > 900 && changes < 1100, `${changes} of 2000`)
  for (const type of ["restart", "move", "reboot"])
    assert.ok(plans.filter(({ change }) => change.type === type).length > 200, type)
})

test("all kinds of mapping, filtering and pooling meet, over networks that lose up to a fifth", () => {
  const kinds = new Set<string>()
  let [most, streams] = [0, 0]
  for (const { ends, link, needsStreams } of plans) {
    for (const { place } of ends) {
      const router = place!.router
      if (router.kind === "nat") kinds.add(`${router.mapping} ${router.filtering} ${router.pooling}`)
    }
    if (typeof link.loss === "number") most = Math.max(most, link.loss)
    if (needsStreams) streams++
  }
  assert.equal(kinds.size, 18)
  assert.ok(most > 0.19 && most <= 0.2, `${most}`)
  assert.ok(streams > 100, `${streams} that need TCP`)
})
