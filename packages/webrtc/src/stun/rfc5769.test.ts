/** The vectors of RFC 5769, whose padding is not zero and must not matter. */
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import { formatAddress } from "../bytes/index.ts"
import {
  AddressSlot,
  Attribute,
  hasValidFingerprint,
  hasValidIntegrity,
  hasValidIntegritySha256,
  MessageClass,
  Method,
  readXorAddress,
  StunMessage,
} from "./index.ts"

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replace(/\s/g, ""), "hex"))
const text = (message: StunMessage, type: number): string => new TextDecoder().decode(message.value(type))

const REQUEST = hex(`
  00010058 2112a442 b7e7a701bc34d686fa87dfae
  80220010 5354554e207465737420636c69656e74
  00240004 6e0001ff
  80290008 932ff9b151263b36
  00060009 6576746a3a68367659202020
  00080014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2
  80280004 e57a3bcf`)
const RESPONSE_IPV4 = hex(`
  0101003c 2112a442 b7e7a701bc34d686fa87dfae
  8022000b 7465737420766563746f7220
  00200008 0001a147e112a643
  00080014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7
  80280004 c07d4c96`)
const RESPONSE_IPV6 = hex(`
  01010048 2112a442 b7e7a701bc34d686fa87dfae
  8022000b 7465737420766563746f7220
  00200014 0002a1470113a9faa5d3f179bc25f4b5bed2b9d9
  00080014 a382954e4be67bf11784c97c8292c275bfe3ed41
  80280004 c8fb0b4c`)
const LONG_TERM_REQUEST = hex(`
  00010060 2112a442 78ad3433c6ad72c029da412e
  00060012 e3839ee38388e383aae38383e382afe382b90000
  0015001c 662f2f3439396b39353464364f4c33346f4c39465354767936347341
  0014000b 6578616d706c652e6f726700
  00080014 f67024656dd64a3e02b8e0712e85c9a28ca89666`)

const PASSWORD = utf8("VOkJxbRl1RmTxUk/WvJxBt")

function parsed(bytes: Uint8Array): StunMessage {
  // Somewhere in a slab, as datagrams are.
  const slab = new Uint8Array(bytes.length + 100).fill(0xaa)
  slab.set(bytes, 37)
  const message = new StunMessage()
  assert.equal(message.parse(slab, 37, bytes.length), undefined)
  return message
}

describe("RFC 5769", () => {
  test("2.1 sample request", () => {
    const message = parsed(REQUEST)
    assert.equal(message.class, MessageClass.request)
    assert.equal(message.method, Method.binding)
    assert.equal(text(message, Attribute.software), "STUN test client")
    assert.equal(text(message, Attribute.username), "evtj:h6vY")
    assert.equal(message.uint32(0x0024), 0x6e0001ff)
    assert.ok(hasValidFingerprint(message))
    assert.ok(hasValidIntegrity(message, nodeCrypto.hmac("sha1", PASSWORD)))
    assert.ok(!hasValidIntegrity(message, nodeCrypto.hmac("sha1", utf8("another password"))))
    assert.ok(!hasValidIntegritySha256(message, nodeCrypto.hmac("sha256", PASSWORD)))
  })

  for (const [name, bytes, address] of [
    ["2.2 sample IPv4 response", RESPONSE_IPV4, "192.0.2.1:32853"],
    ["2.3 sample IPv6 response", RESPONSE_IPV6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853"],
  ] as const) {
    test(name, () => {
      const message = parsed(bytes)
      assert.equal(message.class, MessageClass.success)
      assert.equal(text(message, Attribute.software), "test vector")
      const mapped = new AddressSlot()
      assert.ok(readXorAddress(message, message.indexOf(Attribute.xorMappedAddress), mapped))
      assert.equal(formatAddress(mapped), address)
      assert.ok(hasValidFingerprint(message))
      assert.ok(hasValidIntegrity(message, nodeCrypto.hmac("sha1", PASSWORD)))
    })
  }

  test("2.4 sample request with long-term authentication", () => {
    const message = parsed(LONG_TERM_REQUEST)
    assert.equal(text(message, Attribute.username), "マトリックス")
    assert.equal(text(message, Attribute.realm), "example.org")
    assert.equal(text(message, Attribute.nonce), "f//499k954d6OL34oL9FSTvy64sA")
    const key = nodeCrypto.digest("md5", utf8("マトリックス:example.org:TheMatrIX"))
    assert.ok(hasValidIntegrity(message, nodeCrypto.hmac("sha1", key)))
    assert.ok(!hasValidFingerprint(message))
  })

  test("one bit anywhere, and neither the integrity nor the fingerprint is right", () => {
    for (let i = 0; i < REQUEST.length; i++) {
      const bytes = REQUEST.slice()
      bytes[i]! ^= 1 << (i % 8)
      const message = new StunMessage()
      if (message.parse(bytes, 0, bytes.length) !== undefined) continue
      assert.ok(message.fingerprintAt < 0 || !hasValidFingerprint(message), `byte ${i}`)
      const isBehindIntegrity = i >= REQUEST.length - 8
      const isValid = hasValidIntegrity(message, nodeCrypto.hmac("sha1", PASSWORD))
      assert.equal(isValid, isBehindIntegrity, `byte ${i}`)
    }
  })
})
