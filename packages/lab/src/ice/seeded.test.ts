import assert from "node:assert/strict"
import { test } from "node:test"
import { seededCall } from "./seeded.ts"

const SEEDS = 100

test("over any two networks, whatever changes on the way, everything arrives and both ends agree on the way", () => {
  const outcomes = new Set<string>()
  for (let seed = 0; seed < SEEDS; seed++) {
    try {
      outcomes.add(seededCall(seed).outcome)
    } catch (error) {
      throw new Error(`npm run sim -- ice --seed ${seed}`, { cause: error })
    }
  }
  assert.deepEqual(outcomes, new Set(["direct", "relay"]))
})

test("a seed's run is always the same", () => {
  assert.deepEqual(seededCall(3), seededCall(3))
})
