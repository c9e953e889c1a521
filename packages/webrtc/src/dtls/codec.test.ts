import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import { readAck } from "./acknowledgements.ts"
import { Reader, Writer } from "./codec.ts"

test("what is written is read", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 255 }), fc.nat(0xffff), fc.maxSafeNat(), (bytes, short, long) => {
      const written = new Writer()
        .vector8(writer => writer.bytes(bytes))
        .uint16(short)
        .uint64(long)
        .vector24(writer => writer.vector16(inner => inner.bytes(bytes))).done
      const reader = new Reader(written)
      assert.deepEqual(reader.vector8(), bytes)
      assert.equal(reader.uint16(), short)
      assert.equal(reader.uint64(), long)
      assert.deepEqual(new Reader(reader.vector24()).vector16(), bytes)
      assert.ok(reader.isWhole)
    }),
  )
})

test("past the end everything is nothing, and nothing is left to be read", () => {
  for (const read of [
    (reader: Reader) => reader.uint24(),
    (reader: Reader) => reader.vector16(),
    (reader: Reader) => reader.uint64(),
  ]) {
    const reader = new Reader(Uint8Array.of(0, 9))
    read(reader)
    assert.ok(reader.isBroken)
    assert.equal(reader.left, 0)
    assert.ok(!reader.isWhole)
  }
})

test("an ACK of records that cannot be is none, and comes to an end", () => {
  const ack = Uint8Array.of(0, 16, ...new Uint8Array(16).fill(0xff))
  assert.ok(!readAck(ack, 0, ack.length, () => {}))
})
