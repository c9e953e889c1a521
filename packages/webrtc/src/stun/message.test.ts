import assert from "node:assert/strict"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { describe, test } from "node:test"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import fc from "fast-check"
import {
  AddressSlot,
  Attribute,
  classOf,
  demultiplex,
  hasValidFingerprint,
  hasValidIntegrity,
  hasValidIntegritySha256,
  MAX_ATTRIBUTES,
  MessageClass,
  Method,
  messageType,
  methodOf,
  readErrorCode,
  readXorAddress,
  StunMessage,
  StunWriter,
} from "./index.ts"

const ID = Uint8Array.from({ length: 12 }, (_, i) => i + 1)
const HMAC = nodeCrypto.hmac("sha1", ID)
const HMAC_SHA256 = nodeCrypto.hmac("sha256", ID)

function written(fill: (writer: StunWriter) => void, room = 8192): Uint8Array {
  const slab = new Uint8Array(room + 16).fill(0xaa)
  const writer = new StunWriter()
  writer.begin(slab, 8, room, MessageClass.request, Method.allocate, ID)
  fill(writer)
  return slab.slice(8, 8 + writer.end())
}

function parsed(bytes: Uint8Array): StunMessage {
  const message = new StunMessage()
  assert.equal(message.parse(bytes, 0, bytes.length), undefined)
  return message
}

/** Everything that a receiver might do with a message. */
function exercise(bytes: Uint8Array): void {
  const message = new StunMessage()
  if (message.parse(bytes, 0, bytes.length) !== undefined) return
  const slot = new AddressSlot()
  for (let i = 0; i < message.attributeCount; i++) {
    readXorAddress(message, i, slot)
    assert.ok(message.valueAt(i) + message.valueLength(i) <= bytes.length)
    message.valueOf(i)
    message.uint32(message.type(i))
  }
  readErrorCode(message)
  message.unknownAttributes(new Set())
  if (message.fingerprintAt >= 0) hasValidFingerprint(message)
  hasValidIntegrity(message, HMAC)
  hasValidIntegritySha256(message, HMAC_SHA256)
}

describe("StunMessage", () => {
  test("the type interleaves class and method both ways, for all of them", () => {
    assert.equal(messageType(MessageClass.request, Method.binding), 0x0001)
    assert.equal(messageType(MessageClass.success, Method.allocate), 0x0103)
    assert.equal(messageType(MessageClass.error, Method.channelBind), 0x0119)
    assert.equal(messageType(MessageClass.indication, Method.data), 0x0017)
    for (const messageClass of Object.values(MessageClass)) {
      for (let method = 0; method < 0x1000; method++) {
        const type = messageType(messageClass, method)
        assert.ok(type <= 0x3fff)
        assert.equal(classOf(type), messageClass)
        assert.equal(methodOf(type), method)
      }
    }
  })

  test("says why bytes are no message", () => {
    const good = written(writer => writer.uint32(Attribute.lifetime, 600))
    const reason = (change: (bytes: Uint8Array) => void, length = good.length) => {
      const bytes = good.slice()
      change(bytes)
      return new StunMessage().parse(bytes, 0, length)
    }
    assert.equal(
      reason(() => {}, 19),
      "too-short",
    )
    assert.equal(
      reason(bytes => (bytes[0] = 0x40)),
      "leading-bits",
    )
    assert.equal(
      reason(bytes => (bytes[4]! ^= 1)),
      "magic-cookie",
    )
    assert.equal(
      reason(bytes => (bytes[3] = 7)),
      "length",
    )
    assert.equal(
      reason(bytes => (bytes[3] = 4)),
      "length",
    )
    assert.equal(
      reason(bytes => (bytes[2] = 0xff)),
      "length",
    )
    assert.equal(
      reason(bytes => (bytes[23] = 5)),
      "attribute-length",
    )
    assert.equal(
      reason(bytes => (bytes[22] = 0xff)),
      "attribute-length",
    )
  })

  test("has at most MAX_ATTRIBUTES in front of the integrity", () => {
    const many = (count: number) =>
      written(writer => {
        for (let i = 0; i < count; i++) writer.flag(0xc000 + i)
      })
    assert.equal(parsed(many(MAX_ATTRIBUTES)).attributeCount, MAX_ATTRIBUTES)
    const tooMany = many(MAX_ATTRIBUTES + 1)
    assert.equal(new StunMessage().parse(tooMany, 0, tooMany.length), "too-many-attributes")
  })

  test("the first of several attributes counts, the others can be found", () => {
    const message = parsed(
      written(writer => {
        writer.uint32(Attribute.lifetime, 1)
        writer.uint32(Attribute.lifetime, 2)
      }),
    )
    assert.equal(message.uint32(Attribute.lifetime), 1)
    assert.equal(message.indexOf(Attribute.lifetime, 1), 1)
    assert.equal(message.indexOf(Attribute.lifetime, 2), -1)
  })

  test("nothing is seen behind MESSAGE-INTEGRITY but its SHA-256 kind and FINGERPRINT", () => {
    const message = parsed(
      written(writer => {
        writer.uint32(Attribute.lifetime, 1)
        writer.messageIntegrity(HMAC)
        writer.uint32(Attribute.channelNumber, 1)
        writer.flag(0x7fff)
        writer.messageIntegritySha256(HMAC_SHA256)
        writer.flag(Attribute.dontFragment)
        writer.messageIntegrity(HMAC)
        writer.fingerprint()
      }),
    )
    assert.equal(message.attributeCount, 1)
    assert.deepEqual(message.unknownAttributes(new Set([Attribute.lifetime])), [])
    assert.ok(hasValidIntegrity(message, HMAC))
    assert.ok(hasValidIntegritySha256(message, HMAC_SHA256))
    assert.ok(hasValidFingerprint(message))
  })

  test("nothing is seen behind FINGERPRINT, which then is wrong", () => {
    const message = parsed(
      written(writer => {
        writer.fingerprint()
        writer.uint32(Attribute.lifetime, 1)
        writer.messageIntegrity(HMAC)
      }),
    )
    assert.equal(message.attributeCount, 0)
    assert.equal(message.integrityAt, -1)
    assert.ok(!hasValidFingerprint(message))
  })

  test("a truncated MESSAGE-INTEGRITY-SHA256 is read, and not valid", () => {
    const tag = HMAC_SHA256.sign(ID).slice(0, 16)
    const message = parsed(written(writer => writer.attribute(Attribute.messageIntegritySha256, tag)))
    assert.ok(message.integritySha256At > 0)
    assert.ok(!hasValidIntegritySha256(message, HMAC_SHA256))
    for (const length of [12, 18, 36]) {
      const bytes = written(writer =>
        writer.attribute(Attribute.messageIntegritySha256, new Uint8Array(length)),
      )
      assert.equal(new StunMessage().parse(bytes, 0, bytes.length), "attribute-length")
    }
  })

  test("lists what must be understood and is not, once each", () => {
    const message = parsed(
      written(writer => {
        for (const type of [0x7001, Attribute.lifetime, 0x7000, 0x7001, 0x9000]) writer.flag(type)
      }),
    )
    const understood = new Set<number>([Attribute.lifetime])
    assert.deepEqual(message.unknownAttributes(understood), [0x7001, 0x7000])
    assert.ok(message.hasUnknownAttributes(understood))
    assert.ok(!message.hasUnknownAttributes(new Set([Attribute.lifetime, 0x7000, 0x7001])))
  })
})

const attribute = fc.record({
  // Those that the parser itself treats apart are tested apart.
  type: fc.integer({ min: 0, max: 0xffff }).filter(type => ![0x0008, 0x001c, 0x8028].includes(type)),
  value: fc.uint8Array({ maxLength: 60 }),
})

describe("StunWriter", () => {
  test("what it writes is what is read, with zero padding in a slab full of something else", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.values(MessageClass)),
        fc.integer({ min: 0, max: 0xfff }),
        fc.uint8Array({ minLength: 12, maxLength: 12 }),
        fc.array(attribute, { maxLength: 20 }),
        fc.boolean(),
        fc.boolean(),
        (messageClass, method, id, attributes, integrity, fingerprint) => {
          const slab = new Uint8Array(4096).fill(0xaa)
          const writer = new StunWriter()
          writer.begin(slab, 100, 3900, messageClass, method, id)
          for (const { type, value } of attributes) writer.attribute(type, value)
          if (integrity) writer.messageIntegrity(HMAC)
          if (fingerprint) writer.fingerprint()
          const message = new StunMessage()
          assert.equal(message.parse(slab, 100, writer.end()), undefined)
          assert.equal(message.class, messageClass)
          assert.equal(message.method, method)
          assert.deepEqual([...message.transactionId], [...id])
          const readBack = attributes.map((_, i) => ({
            type: message.type(i),
            value: [...message.valueOf(i)],
          }))
          assert.deepEqual(
            readBack,
            attributes.map(({ type, value }) => ({ type, value: [...value] })),
          )
          assert.equal(message.attributeCount, attributes.length)
          for (let i = 0; i < message.attributeCount; i++) {
            const end = message.valueAt(i) + message.valueLength(i)
            const pad = -message.valueLength(i) & 3
            assert.ok(slab.subarray(end, end + pad).every(byte => byte === 0))
          }
          if (integrity) assert.ok(hasValidIntegrity(message, HMAC))
          if (fingerprint) assert.ok(hasValidFingerprint(message))
          assert.equal(slab[100 + writer.end()], 0xaa)
        },
      ),
      { numRuns: 300 },
    )
  })

  test("addresses of both families survive the XOR", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ minLength: 4, maxLength: 4 }),
          fc.uint8Array({ minLength: 16, maxLength: 16 }),
        ),
        fc.integer({ min: 0, max: 0xffff }),
        (ip, port) => {
          const message = parsed(written(writer => writer.xorAddress(Attribute.xorPeerAddress, ip, port)))
          const slot = new AddressSlot()
          assert.ok(readXorAddress(message, 0, slot))
          assert.deepEqual(slot.copy(), { ip, port })
        },
      ),
    )
  })

  test("the small attributes have the bytes that their RFCs draw", () => {
    const value = (fill: (writer: StunWriter) => void) => [...parsed(written(fill)).valueOf(0)]
    assert.deepEqual(
      value(writer => writer.channelNumber(0x4001)),
      [0x40, 1, 0, 0],
    )
    assert.deepEqual(
      value(writer => writer.requestedTransport(17)),
      [17, 0, 0, 0],
    )
    assert.deepEqual(
      value(writer => writer.addressFamily(Attribute.requestedAddressFamily, 2)),
      [2, 0, 0, 0],
    )
    assert.deepEqual(
      value(writer => writer.evenPort(true)),
      [0x80],
    )
    assert.deepEqual(
      value(writer => writer.unknownAttributes([0x18, 0x7000])),
      [0, 0x18, 0x70, 0],
    )
    assert.deepEqual(
      value(writer => writer.errorCode(438)),
      [0, 0, 4, 38],
    )
  })

  test("a reason phrase is data: controls are taken out, and it is cut", () => {
    const message = parsed(written(writer => writer.errorCode(401, `<b>\u0000\n\u202e${"x".repeat(300)}`)))
    const { code, reason } = readErrorCode(message)!
    assert.equal(code, 401)
    assert.equal(reason.length, 128)
    assert.ok(reason.startsWith("<b>\ufffd\ufffd\ufffdxx"))
    for (const value of [
      [0, 0, 2, 0],
      [0, 0, 7, 0],
      [0, 0, 4, 100],
      [0, 0, 4],
    ]) {
      const bytes = written(writer => writer.attribute(Attribute.errorCode, Uint8Array.from(value)))
      assert.equal(readErrorCode(parsed(bytes)), undefined)
    }
  })

  test("throws when the room is too small, and writes nothing behind it", () => {
    assert.throws(
      () => written(writer => writer.attribute(Attribute.data, new Uint8Array(100)), 100),
      RangeError,
    )
    assert.throws(() => written(() => {}, 19), RangeError)
  })
})

describe("bytes of strangers", () => {
  test("arbitrary ones do no harm", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), exercise), { numRuns: 2000 })
  })

  test("neither do arbitrary attributes behind a good header", () => {
    const bodies = fc.uint8Array({ maxLength: 300 }).map(body => {
      const bytes = written(() => {})
      const whole = new Uint8Array(20 + (body.length & ~3))
      whole.set(bytes)
      whole.set(body.subarray(0, body.length & ~3), 20)
      new DataView(whole.buffer).setUint16(2, whole.length - 20)
      return whole
    })
    fc.assert(fc.property(bodies, exercise), { numRuns: 2000 })
  })

  test("neither do damaged messages", () => {
    const good = written(writer => {
      writer.xorAddress(Attribute.xorPeerAddress, new Uint8Array(16), 1)
      writer.text(Attribute.username, "somebody")
      writer.errorCode(400, "no")
      writer.messageIntegrity(HMAC)
      writer.messageIntegritySha256(HMAC_SHA256)
      writer.fingerprint()
    })
    const damage = fc.array(fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 })), {
      maxLength: 6,
    })
    fc.assert(
      fc.property(damage, fc.nat(good.length), (changes, cut) => {
        const bytes = good.slice()
        for (const [at, value] of changes) bytes[at] = value
        exercise(bytes)
        exercise(bytes.slice(0, cut))
      }),
      { numRuns: 2000 },
    )
  })

  test("neither does the corpus of others", t => {
    const corpus = resolve(import.meta.dirname, "../../../../../shared/vectors/fuzz/stun")
    if (!existsSync(corpus)) {
      t.diagnostic("../shared/vectors is not here: the STUN fuzz corpus is left out")
      return
    }
    for (const name of readdirSync(corpus)) exercise(new Uint8Array(readFileSync(join(corpus, name))))
  })

  test("a first byte tells STUN and ChannelData from all else", () => {
    for (let byte = 0; byte < 256; byte++) {
      const expected = byte < 4 ? "stun" : byte >= 64 && byte < 80 ? "channel-data" : "other"
      assert.equal(demultiplex(byte), expected)
    }
  })
})
