import assert from "node:assert/strict"
import { describe, test } from "node:test"
import fc from "fast-check"
import { decodeMessage, encodeMessage } from "./data-message.ts"

/** As it arrives on the other side. */
const received = (encoded: string | Uint8Array<ArrayBuffer>) =>
  typeof encoded === "string" ? encoded : encoded.buffer

describe("Data messages", () => {
  test("bring JSON and bytes across unchanged, under any topic", () => {
    const topic = fc.string({ maxLength: 60 })
    fc.assert(
      fc.property(topic, fc.oneof(fc.jsonValue(), fc.uint8Array()), (topic, data) => {
        const across = decodeMessage(received(encodeMessage({ topic, data })))
        const expected: unknown = data instanceof Uint8Array ? data : JSON.parse(JSON.stringify(data))
        assert.deepEqual(across, { topic, data: expected })
      }),
    )
  })

  test("of strangers never throw", () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), text => void decodeMessage(text)))
    fc.assert(fc.property(fc.uint8Array(), bytes => void decodeMessage(Uint8Array.from(bytes).buffer)))
  })

  test("that nothing can hold are the caller's mistake, and say so", () => {
    assert.throws(
      () => encodeMessage({ topic: "x".repeat(256), data: 1 }),
      /A topic may have 255 bytes; this has 256/,
    )
    assert.throws(() => encodeMessage({ topic: "t", data: () => 1 }), /topic "t" is neither JSON nor bytes/)
  })

  test("whose topic claims more bytes than came are nothing", () => {
    assert.equal(decodeMessage(Uint8Array.of(200, 1, 2).buffer), undefined)
    assert.equal(decodeMessage('{"topic":1,"data":2}'), undefined)
  })
})
