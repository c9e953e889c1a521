import assert from "node:assert/strict"
import { test } from "node:test"
import { parseIp } from "@tightbeam/webrtc/bytes"
import { AddressTable, TokenBucket } from "./index.ts"

test("a bucket gives its burst at once and its rate for long, and says when there is more", () => {
  const bucket = new TokenBucket(2, 3, 0)
  const takes = (now: number) => Array.from({ length: 5 }, () => bucket.take(now)).filter(Boolean).length
  assert.equal(takes(0), 3)
  assert.equal(bucket.wait, 0.5)
  assert.equal(takes(1000), 2)
  assert.equal(takes(1_000_000), 3)
})

test("an address has one entry, whatever it comes as; an IPv6 /64 is one address", () => {
  const table = new AddressTable(10, () => ({}))
  const of = (text: string) => table.of(parseIp(text)!, 0)
  assert.equal(of("192.0.2.1"), of("::ffff:192.0.2.1"))
  assert.notEqual(of("192.0.2.1"), of("192.0.2.2"))
  assert.equal(of("2001:db8:0:1::1"), of("2001:db8:0:1:ffff:ffff:ffff:ffff"))
  assert.notEqual(of("2001:db8:0:1::1"), of("2001:db8:0:2::1"))
})

test("so many addresses are remembered, and the one unseen for longest is forgotten", () => {
  const table = new AddressTable(1000, () => ({}))
  const of = (i: number) => table.of(Uint8Array.of(10, 0, i >> 8, i), 0)
  const first = of(0)
  const second = of(1)
  for (let i = 2; i < 5000; i++) {
    of(i)
    assert.equal(of(0), first, "who is seen again is kept")
  }
  assert.equal(table.size, 1000)
  assert.notEqual(of(1), second)
})
