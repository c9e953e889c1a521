import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import { frequentMessage } from "./frequent.ts"
import { clientMessageSchema, parseClientMessage } from "./schema.ts"

const schema = clientMessageSchema(16)

/** Values that are right, nearly right, and wrong, for any key. */
const value = fc.oneof(
  fc.constantFrom<unknown>(null, undefined, "", "0", "ping", "signal", "peer-1", {}, [], true),
  fc.constantFrom(-1, 0, -0, 0.5, 1, 1024, 1025, 1_000_000, 1_000_001, 2 ** 53 - 1, 2 ** 53, Number.NaN),
  fc.constantFrom(32, 33, 64, 65, 256, 257, 1024, 1025).map(length => "x".repeat(length)),
)
const orValue = <T>(right: fc.Arbitrary<T>) => fc.oneof({ weight: 19, arbitrary: right }, value)
const orLeftOut = fc.constant(undefined)

/** In the order of the SDK. */
const candidate = fc.record({
  candidate: orValue(fc.oneof(fc.string(), fc.string({ unit: "grapheme" }))),
  sdpMid: orValue(fc.constantFrom("0", null)),
  sdpMLineIndex: orValue(fc.constantFrom(0, null)),
  usernameFragment: orValue(fc.constantFrom("4ZcD", null)),
})
const numbers = {
  n: orValue(fc.oneof(fc.integer({ min: 1 }), orLeftOut)),
  ack: orValue(fc.oneof(fc.nat(), orLeftOut)),
}
const signal = fc.record({
  type: orValue(fc.constant("signal")),
  to: orValue(fc.constant("peer-1")),
  generation: orValue(fc.constant(0)),
  signal: orValue(fc.record({ candidate, more: fc.option(value, { nil: undefined, freq: 20 }) })),
  ...numbers,
})
const ping = fc.record({ type: orValue(fc.constant("ping")), id: orValue(fc.nat()), ...numbers })

/** Written as JSON, sometimes with a fault; decoded from UTF-8, which has no lone surrogates. */
const text = fc
  .tuple(
    fc.oneof(signal, ping).map(message => JSON.stringify(message)),
    fc.option(
      fc.tuple(fc.nat(400), fc.constantFrom("", " ", '"', "\\", "}", "{", ",", "0", "\0", "\u2028")),
      {
        freq: 3,
      },
    ),
  )
  .map(([json, fault]) =>
    fault === null ? json : (json.slice(0, fault[0]) + fault[1] + json.slice(fault[0] + 1)).toWellFormed(),
  )

test("what is read as text is what the schema reads, and nearly everything right is read as text", () => {
  let frequent = 0
  let right = 0
  fc.assert(
    fc.property(text, text => {
      const read = frequentMessage(text)
      // A space in front: the same message, which only the schema reads.
      const parsed = parseClientMessage(schema, ` ${text}`)
      if ("message" in parsed) right++
      if (read === undefined) return
      frequent++
      assert.deepEqual(read, parsed)
    }),
    { numRuns: 10_000 },
  )
  assert.ok(
    frequent > 1000 && frequent > right * 0.8,
    `of ${right} right ones, ${frequent} were read as text`,
  )
})
