import assert from "node:assert/strict"
import { test } from "node:test"
import { Random } from "@tightbeam/sim"
import { quickCrypto } from "./quick-crypto.ts"

const crypto = quickCrypto(new Random(1))
const bytes = (text: string) => new TextEncoder().encode(text)

test("a tag is that of the parts one behind the other, and of the key", () => {
  const hmac = crypto.hmac("sha1", bytes("key"))
  const tag = hmac.sign(bytes("hello"))
  assert.equal(tag.length, hmac.size)
  assert.deepEqual(hmac.sign(bytes("he"), bytes("l"), bytes("lo")), tag)
  assert.notDeepEqual(hmac.sign(bytes("hellp")), tag)
  assert.notDeepEqual(crypto.hmac("sha1", bytes("kez")).sign(bytes("hello")), tag)
})

test("digests and tags are as long as those that they stand for", () => {
  assert.equal(crypto.digest("md5", bytes("a")).length, 16)
  assert.equal(crypto.digest("sha256", bytes("a")).length, 32)
  assert.equal(crypto.hmac("sha256", bytes("a")).sign(bytes("b")).length, 32)
  assert.notDeepEqual(crypto.digest("md5", bytes("a")), crypto.digest("md5", bytes("b")))
})

test("what is random is the seed's", () => {
  const [one, other] = [new Uint8Array(16), new Uint8Array(16)]
  quickCrypto(new Random(7)).random(one)
  quickCrypto(new Random(7)).random(other)
  assert.deepEqual(one, other)
})
