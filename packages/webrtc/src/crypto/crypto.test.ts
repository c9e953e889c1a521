import assert from "node:assert/strict"
import { test } from "node:test"
import { equalInConstantTime } from "./crypto.ts"
import { nodeCrypto } from "./node.ts"

const bytes = (text: string) => new TextEncoder().encode(text)
const hex = (tag: Uint8Array) => Buffer.from(tag).toString("hex")

test("HMAC is RFC 2202's and RFC 4231's, over parts as over the whole", () => {
  const sha1 = nodeCrypto.hmac("sha1", bytes("Jefe"))
  const sha256 = nodeCrypto.hmac("sha256", bytes("Jefe"))
  const [first, second] = [bytes("what do ya want "), bytes("for nothing?")]
  assert.equal(hex(sha1.sign(first, second)), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79")
  assert.equal(
    hex(sha256.sign(first, second)),
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  )
  assert.equal(sha1.size, sha1.sign(first).length)
  assert.equal(sha256.size, sha256.sign(first).length)
})

test("digests are the known ones", () => {
  assert.equal(hex(nodeCrypto.digest("md5", bytes("abc"))), "900150983cd24fb0d6963f7d28e17f72")
  assert.equal(
    hex(nodeCrypto.digest("sha256", bytes("abc"))),
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  )
})

test("random bytes differ from call to call", () => {
  const [a, b] = [new Uint8Array(32), new Uint8Array(32)]
  nodeCrypto.random(a)
  nodeCrypto.random(b)
  assert.notDeepEqual(a, b)
})

test("tags compare by value and length", () => {
  assert.ok(equalInConstantTime(bytes("same"), bytes("same")))
  assert.ok(!equalInConstantTime(bytes("same"), bytes("sane")))
  assert.ok(!equalInConstantTime(bytes("same"), bytes("sam")))
})
