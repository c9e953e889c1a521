import assert from "node:assert/strict"
import { test } from "node:test"
import { hostileSeed, seededHandshake } from "./index.ts"

for (const version of ["1.2", "1.3"] as const)
  test(`DTLS ${version}: handshakes outlast 30 % loss, reordering and doubling, and need no more round trips than the RFC says`, () => {
    for (let seed = 0; seed < 200; seed++) seededHandshake(version, seed)
  })

test("a seed's handshake is the same each time", () => {
  assert.deepEqual(seededHandshake("1.3", 7), seededHandshake("1.3", 7))
})

test("no datagram of a stranger's, or of an end that lies with the right keys, makes anything throw", () => {
  for (let seed = 0; seed < 100; seed++) hostileSeed(seed, () => 0)
})
