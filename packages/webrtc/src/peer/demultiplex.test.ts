import assert from "node:assert/strict"
import { test } from "node:test"
import { demultiplex, isRtcp } from "./demultiplex.ts"

test("a first byte is DTLS's from 20 to 63, media's from 128 to 191, and nobody's besides (RFC 9443 §3)", () => {
  const kinds = Array.from({ length: 256 }, (_, byte) => demultiplex(byte))
  const of = (kind: string) => kinds.flatMap((each, byte) => (each === kind ? [byte] : []))
  assert.deepEqual([of("dtls").at(0), of("dtls").at(-1), of("dtls").length], [20, 63, 44])
  assert.deepEqual([of("media").at(0), of("media").at(-1), of("media").length], [128, 191, 64])
})

test("a second byte is RTCP's from 192 to 223 (RFC 5761 §4)", () => {
  const rtcp = Array.from({ length: 256 }, (_, byte) => byte).filter(isRtcp)
  assert.deepEqual([rtcp.at(0), rtcp.at(-1), rtcp.length], [192, 223, 32])
})
