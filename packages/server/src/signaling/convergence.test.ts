import { test } from "node:test"
import { converges } from "./testing/convergence.ts"

/** `npm run sim -- signaling` runs as many as you like, and one alone. */
const SEEDS = 10_000

test(`every client ends with the same view of the room, over ${SEEDS} seeds`, () => {
  for (let seed = 0; seed < SEEDS; seed++) {
    try {
      converges(seed)
    } catch (error) {
      throw new Error(`Replay with: npm run sim -- signaling --seed ${seed}`, { cause: error })
    }
  }
})
