import assert from "node:assert/strict"
import { test } from "node:test"
import { DEFAULT_LIMITS } from "./index.ts"
import { Reassembly } from "./reassembly.ts"

const LENGTH = 10_000
const MESSAGE = Uint8Array.from({ length: LENGTH }, (_, at) => at % 251)

function add(reassembly: Reassembly, offset: number, fragmentLength: number): void {
  const header = { type: 11, length: LENGTH, sequence: 0, offset, fragmentLength }
  reassembly.add(header, 0, MESSAGE, offset)
}

test("of a message no more is kept than it is long, however much its fragments overlap", () => {
  const reassembly = new Reassembly(DEFAULT_LIMITS)
  for (let i = 0; i < 50; i++) add(reassembly, 1 + ((i * 37) % 50) * 20, 9_000)
  assert.ok(reassembly.kept <= LENGTH, `${reassembly.kept} bytes`)
  add(reassembly, 0, 1)
  add(reassembly, LENGTH - 2_000, 2_000)
  assert.deepEqual(reassembly.take()?.body, MESSAGE)
})

test("fragments of any places and lengths make the message", () => {
  let seed = 1
  const random = (below: number) => {
    seed = (seed * 48_271) % 0x7fffffff
    return seed % below
  }
  for (let round = 0; round < 200; round++) {
    const reassembly = new Reassembly({ ...DEFAULT_LIMITS, fragments: 1_000 })
    for (let i = 0; i < 30; i++) {
      const offset = random(LENGTH)
      add(reassembly, offset, 1 + random(LENGTH - offset))
    }
    assert.ok(reassembly.kept <= LENGTH)
    for (let offset = 0; offset < LENGTH; offset += 500) add(reassembly, offset, 500)
    assert.deepEqual(reassembly.take()?.body, MESSAGE)
  }
})
