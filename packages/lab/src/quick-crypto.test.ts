import assert from "node:assert/strict"
import { test } from "node:test"
import { Random } from "@tightbeam/sim"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import { selfSignedCertificate } from "@tightbeam/webrtc/dtls"
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

test("shares are as long as those that they stand for, and of both ends one secret", () => {
  const lengths = crypto.groups.map(group => {
    const ours = crypto.keyShare(group)
    const answer = crypto.encapsulate(group, ours.public)!
    assert.deepEqual(ours.agree(answer.public), answer.secret)
    const changed = Uint8Array.from(answer.public)
    changed[9]! ^= 1
    assert.notDeepEqual(ours.agree(changed), answer.secret)
    assert.equal(ours.agree(answer.public.subarray(1)), undefined)
    assert.equal(crypto.encapsulate(group, new Uint8Array(ours.public.length)), undefined)
    return [ours.public.length, answer.public.length, answer.secret.length]
  })
  const real = nodeCrypto.groups.map(group => {
    const ours = nodeCrypto.keyShare(group)
    const answer = nodeCrypto.encapsulate(group, ours.public)!
    return [ours.public.length, answer.public.length, answer.secret.length]
  })
  assert.deepEqual(lengths.slice(-real.length), real)
})

test("what was sealed opens with its key, nonce and context, and with no byte changed", () => {
  const nonce = bytes("twelve bytes")
  const plain = bytes("hello")
  for (const algorithm of crypto.aeads) {
    const seal = (key: string) => crypto.aead(algorithm, bytes(key))
    const sealed = new Uint8Array(plain.length + 16)
    sealed.set(plain)
    seal("key").seal(nonce, bytes("context"), 3, 2, sealed, 0, plain.length)
    assert.notDeepEqual(sealed.subarray(0, plain.length), plain)
    const opens = (key: string, iv: string, context: string, change?: number) => {
      const copy = Uint8Array.from(sealed)
      if (change !== undefined) copy[change]! ^= 1
      const isOpen = seal(key).open(bytes(iv), bytes(context), 0, context.length, copy, 0, copy.length)
      if (isOpen) assert.deepEqual(copy.subarray(0, plain.length), plain)
      return isOpen
    }
    assert.ok(opens("key", "twelve bytes", "te"))
    assert.ok(!opens("kez", "twelve bytes", "te"))
    assert.ok(!opens("key", "twelve bytez", "te"))
    assert.ok(!opens("key", "twelve bytes", "tf"))
    for (let at = 0; at < sealed.length; at++) assert.ok(!opens("key", "twelve bytes", "te", at))
    assert.ok(!seal("key").open(nonce, nonce, 0, 0, new Uint8Array(15), 0, 15))
  }
})

test("what is encrypted by a counter is decrypted by the same", () => {
  const content = bytes("hello")
  const iv = new Uint8Array(16)
  crypto.counterMode(bytes("key")).apply(iv, content, 1, 4)
  assert.notDeepEqual(content, bytes("hello"))
  crypto.counterMode(bytes("key")).apply(iv, content, 1, 4)
  assert.deepEqual(content, bytes("hello"))
})

test("a certificate's key is found in it, and what it signed is its own", () => {
  for (const type of ["ecdsa-p256", "rsa-2048"] as const) {
    const { der, privateKey } = selfSignedCertificate(crypto, { type })
    const real = selfSignedCertificate(nodeCrypto, { type })
    assert.ok(Math.abs(der.length - real.der.length) <= 2, "a real signature of ECDSA has 70 to 72 bytes")
    const scheme = type === "rsa-2048" ? "rsa_pss_rsae_sha256" : "ecdsa_secp256r1_sha256"
    const other = type === "rsa-2048" ? "ecdsa_secp256r1_sha256" : "rsa_pss_rsae_sha256"
    const signature = privateKey.sign(scheme, bytes("hello"))
    const key = crypto.publicKey(der)!
    assert.equal(key.type, privateKey.type)
    assert.ok(key.verify(scheme, bytes("hello"), signature))
    assert.ok(!key.verify(scheme, bytes("hellp"), signature))
    assert.ok(!key.verify(other, bytes("hello"), signature))
    assert.ok(
      !crypto
        .publicKey(selfSignedCertificate(crypto, { type }).der)!
        .verify(scheme, bytes("hello"), signature),
    )
    assert.throws(() => privateKey.sign(other, bytes("hello")), TypeError)
  }
  assert.equal(crypto.publicKey(bytes("no certificate")), undefined)
})

test("a run is a function of its seed", () => {
  const run = () => {
    const crypto = quickCrypto(new Random("seed"))
    const { der } = selfSignedCertificate(crypto)
    return [der, crypto.keyShare("X25519MLKEM768").public]
  }
  assert.deepEqual(run(), run())
})
