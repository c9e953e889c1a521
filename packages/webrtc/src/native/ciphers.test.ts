import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { NativeCiphers } from "./ciphers.ts"

const loaded = NativeCiphers.load()
const why = typeof loaded === "string" ? loaded : false

describe("Ciphers of the OpenSSL within Node", { skip: why }, () => {
  const ciphers = loaded as NativeCiphers
  const [key, nonce, iv] = [new Uint8Array(16), new Uint8Array(12), new Uint8Array(16)]
  const none = new Uint8Array()

  test("what is not within its array is refused before OpenSSL sees it", () => {
    const aead = ciphers.aead("aes-128-gcm", key)
    const bytes = new Uint8Array(40)
    for (const [at, length] of [
      [-1, 10],
      [0, -1],
      [0, 25],
      [30, 16],
      [Number.NaN, 1],
      [0, Number.NaN],
    ] as const) {
      assert.throws(() => aead.seal(nonce, none, 0, 0, bytes, at, length), RangeError)
      assert.throws(() => aead.seal(nonce, bytes.subarray(0, 8), at, length, bytes, 0, 8), RangeError)
    }
    assert.throws(() => aead.open(nonce, none, 0, 0, bytes, 30, 30), RangeError)
    assert.throws(() => ciphers.counterMode(key).apply(iv, bytes, 30, 11), RangeError)
    assert.throws(() => ciphers.packetMac(key).tag(bytes, 0, 41, bytes, 0, 20), RangeError)
    assert.throws(() => ciphers.packetMac(key).tag(bytes, 0, 20, bytes, 21, 20), RangeError)
    assert.throws(() => ciphers.recordNumberMask("aes-128-gcm", key)(bytes, 25), RangeError)
  })

  test("a key of another length is refused: what lies behind it would be read", () => {
    for (const length of [0, 15, 17, 32])
      assert.throws(() => ciphers.aead("aes-128-gcm", new Uint8Array(length)), TypeError)
    assert.throws(() => ciphers.counterMode(new Uint8Array(24)), TypeError)
    assert.throws(() => ciphers.recordNumberMask("aes-256-gcm", key), TypeError)
  })

  test("a cipher that was closed is not used, and closing it again is nothing", () => {
    const bytes = new Uint8Array(64)
    const [aead, counterMode, mac] = [
      ciphers.aead("aes-128-gcm", key),
      ciphers.counterMode(key),
      ciphers.packetMac(key),
    ]
    for (const cipher of [aead, counterMode, mac]) for (let times = 0; times < 2; times++) cipher.close()
    assert.throws(() => aead.seal(nonce, none, 0, 0, bytes, 0, 8), /after it was closed/)
    assert.throws(() => aead.open(nonce, none, 0, 0, bytes, 0, 32), /after it was closed/)
    assert.throws(() => counterMode.apply(iv, bytes, 0, 8), /after it was closed/)
    assert.throws(() => mac.tag(bytes, 0, 8, bytes, 8, 20), /after it was closed/)
  })

  test("bytes of many arrays, and of many places in one, are told apart; detached ones have none", () => {
    const counterMode = ciphers.counterMode(key)
    const expected = new Uint8Array(16)
    counterMode.apply(iv, expected, 0, 16)
    const slab = new Uint8Array(1_000)
    const arrays = [new Uint8Array(16), slab.subarray(100, 116), slab.subarray(3, 19), new Uint8Array(16)]
    for (const bytes of arrays) counterMode.apply(iv, bytes, 0, 16)
    for (const bytes of arrays) assert.deepEqual(bytes, expected)
    assert.equal(slab.filter(byte => byte !== 0).length, 2 * expected.filter(byte => byte !== 0).length)
    const moved = arrays[3]!
    structuredClone(moved.buffer, { transfer: [moved.buffer] })
    assert.throws(() => counterMode.apply(iv, moved, 0, 16), RangeError)
  })
})
