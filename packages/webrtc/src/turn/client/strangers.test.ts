import assert from "node:assert/strict"
import { describe, test } from "node:test"
import fc from "fast-check"
import { writeUint16 } from "../../bytes/index.ts"
import { Attribute, type StunWriter } from "../../stun/index.ts"
import { allocated, PEER, type Script, SHA1, STRANGER } from "./testing/script.ts"

describe("strangers", () => {
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    // As STUN, with a cookie and a length that fits.
    fc.tuple(fc.nat(0x3fff), fc.uint8Array({ minLength: 12, maxLength: 200 })).map(([type, rest]) => {
      const bytes = new Uint8Array(8 + ((rest.length - 12) & ~3) + 12)
      writeUint16(bytes, 0, type)
      writeUint16(bytes, 2, bytes.length - 20)
      bytes.set([0x21, 0x12, 0xa4, 0x42], 4)
      bytes.set(rest.subarray(0, bytes.length - 8), 8)
      return bytes
    }),
    fc.uint8Array({ minLength: 2, maxLength: 60 }).map(bytes => {
      bytes[0] = 0x40
      bytes[1] = 0
      return bytes
    }),
  )

  const seen = ({ client, events, sent, heard }: Script) =>
    JSON.stringify([client.nextTick, events, sent.length, heard.length, client.counters()])

  test("no bytes throw, and nothing that is not the server's changes anything", () => {
    const script = allocated()
    script.client.bindChannel(PEER, script.now, script.out)
    const before = seen(script)
    fc.assert(
      fc.property(anything, fc.boolean(), (bytes, asIfAnswer) => {
        if (asIfAnswer && bytes.length >= 20) bytes.set(script.request.transactionId, 8)
        script.deliver(bytes, STRANGER)
        assert.equal(seen(script), before)
      }),
      { numRuns: 2000 },
    )
  })

  test("no bytes from the server's address throw, and without the key none is believed", () => {
    const script = allocated()
    script.client.bindChannel(PEER, script.now, script.out)
    const { request } = script
    const sent = script.sent.length
    fc.assert(
      fc.property(anything, fc.boolean(), (bytes, asIfAnswer) => {
        if (asIfAnswer && bytes.length >= 20) {
          bytes.set([0x01, bytes[1]! & 1 ? 0x09 : 0x19])
          bytes.set(request.transactionId, 8)
        }
        script.deliver(bytes)
        assert.deepEqual([script.events.length, script.sent.length], [0, sent])
      }),
      { numRuns: 2000 },
    )
    script.answer({ sha1: SHA1 }, request)
    assert.equal(script.events[0]?.type, "channel-bound", "what it waits for is still taken")
  })

  test("an answer changed by one bit is none", () => {
    const script = allocated()
    script.client.permit([PEER.ip], script.now, script.out)
    const { request } = script
    let right: Uint8Array = new Uint8Array(0)
    const deliver = script.deliver.bind(script)
    script.deliver = bytes => {
      right = bytes.slice()
    }
    const fill = (writer: StunWriter) => writer.text(Attribute.software, "server")
    script.answer({ sha1: SHA1, fingerprint: true, fill }, request)
    // Under another name FINGERPRINT is one of those that follow the integrity, and are not read (RFC 8489 §14.5).
    const name = right.length - 8
    for (let bit = 0; bit < 8 * right.length; bit++) {
      if (bit >> 3 === name || bit >> 3 === name + 1) continue
      const wrong = right.slice()
      wrong[bit >> 3]! ^= 1 << (bit & 7)
      deliver(wrong)
      assert.deepEqual(script.events, [], `bit ${bit}`)
    }
    deliver(right)
    assert.equal(script.events[0]?.type, "permitted")
  })
})
