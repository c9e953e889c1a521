import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import { frequentMessage } from "./frequent.ts"
import { clientMessageSchema } from "./schema.ts"

const schema = clientMessageSchema(16)

/** Values that are right, nearly right, and wrong, for any key. */
const value = fc.oneof(
  fc.constantFrom<unknown>(null, undefined, "", "0", "ping", "signal", "peer-1", {}, [], true),
  fc.constantFrom(-1, 0, -0, 0.5, 1, 1024, 1025, 1_000_000, 1_000_001, 2 ** 53 - 1, 2 ** 53, Number.NaN),
  fc.constantFrom(32, 33, 64, 65, 256, 257, 1024, 1025).map(length => "x".repeat(length)),
)
const orValue = <T>(right: fc.Arbitrary<T>) => fc.oneof({ weight: 9, arbitrary: right }, value)
const extra = fc.dictionary(fc.constantFrom("n", "ack", "more", "__proto__", "toString"), value, {
  maxKeys: 1,
})

const candidate = fc.record(
  {
    candidate: orValue(fc.string()),
    sdpMid: orValue(fc.constantFrom("0", null)),
    sdpMLineIndex: orValue(fc.constantFrom(0, null)),
    usernameFragment: orValue(fc.constantFrom("4ZcD", null)),
  },
  { requiredKeys: ["candidate", "sdpMid", "sdpMLineIndex"] },
)
const signal = fc.record(
  {
    type: orValue(fc.constant("signal")),
    to: orValue(fc.constant("peer-1")),
    generation: orValue(fc.constant(0)),
    signal: orValue(fc.tuple(candidate, extra).map(([candidate, extra]) => ({ candidate, ...extra }))),
  },
  { requiredKeys: ["type", "to", "signal"] },
)
const ping = fc.record({ type: orValue(fc.constant("ping")), id: orValue(fc.nat()) })

test("what is read by hand is what the schema reads, and everything right is read by hand", () => {
  let frequent = 0
  fc.assert(
    fc.property(fc.oneof(signal, ping), extra, (message, extra) => {
      const json = JSON.parse(JSON.stringify({ ...message, ...extra })) as Record<string, unknown>
      const byHand = frequentMessage(json)
      const { n: _n, ack: _ack, ...rest } = json
      const { success, data } = schema.safeParse(rest)
      if (byHand !== undefined) frequent++
      if (byHand !== undefined) assert.deepEqual(byHand, data)
      else assert.ok(!success || (data.type === "ping" && data.id < 0) || data.type === "ack")
    }),
    { numRuns: 5000 },
  )
  assert.ok(frequent > 500, `only ${frequent} were read by hand`)
})
