import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { chooseCiphers } from "@tightbeam/webrtc/crypto/ciphers"
import fc from "fast-check"
import type { Ciphers, SrtpMasterKey } from "../crypto/index.ts"
import { SRTP_PROFILES, type SrtpProfile } from "../crypto/index.ts"
import {
  EXHAUSTED,
  EXPOSED,
  FORGED,
  faultName,
  MALFORMED,
  REPLAYED,
  SrtpReceiver,
  type SrtpReceiverOptions,
  SrtpSender,
  type SrtpSenderOptions,
  TOO_MANY_STREAMS,
} from "./index.ts"
import { packetIndex } from "./packet-index.ts"

const forms = [
  ["node:crypto", chooseCiphers("off").ciphers, undefined],
  ["native calls", chooseCiphers("auto").ciphers, chooseCiphers("auto").why],
] as const

const profiles = Object.keys(SRTP_PROFILES) as SrtpProfile[]
/** Bytes before and behind a packet that are nobody's to touch. */
const MARGIN = 8
const ROOM = 32

const masterOf = (profile: SrtpProfile, seed = 1): SrtpMasterKey => ({
  key: new Uint8Array(SRTP_PROFILES[profile].key).fill(seed),
  salt: new Uint8Array(SRTP_PROFILES[profile].salt).fill(seed + 1),
})

interface Rtp {
  readonly ssrc?: number
  readonly sequence?: number
  readonly csrcs?: readonly number[]
  readonly extension?: { readonly profile: number; readonly body: readonly number[] }
  readonly payload?: readonly number[]
}

function rtp({
  ssrc = 0xcafebabe,
  sequence = 1,
  csrcs = [],
  extension,
  payload = [1, 2, 3, 4, 5],
}: Rtp = {}) {
  const bytes: number[] = [0x80 | csrcs.length | (extension === undefined ? 0 : 0x10), 96]
  const push32 = (value: number) =>
    bytes.push(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255)
  bytes.push(sequence >>> 8, sequence & 255)
  push32(0xdecafbad)
  push32(ssrc)
  for (const csrc of csrcs) push32(csrc)
  if (extension !== undefined) {
    const { profile, body } = extension
    push32(profile * 0x10000 + body.length / 4)
    bytes.push(...body)
  }
  return Uint8Array.of(...bytes, ...payload)
}

function rtcp(ssrc = 0xcafebabe, body: readonly number[] = [1, 2, 3, 4]): Uint8Array {
  return Uint8Array.of(0x80, 200, 0, 6, ssrc >>> 24, ssrc >>> 16, ssrc >>> 8, ssrc, ...body)
}

/** Both ends of one direction. What is protected comes out of a slab, with nothing else of it touched. */
function ends(
  ciphers: Ciphers,
  profile: SrtpProfile,
  options: { sender?: SrtpSenderOptions; receiver?: SrtpReceiverOptions } = {},
) {
  const sender = new SrtpSender(ciphers, masterOf(profile), profile, options.sender)
  const receiver = new SrtpReceiver(ciphers, masterOf(profile), profile, options.receiver)
  const inSlab = (packet: Uint8Array, how: (slab: Uint8Array, at: number, length: number) => number) => {
    const slab = new Uint8Array(MARGIN + packet.length + ROOM + MARGIN).fill(0xaa)
    slab.set(packet, MARGIN)
    const length = how(slab, MARGIN, packet.length)
    const end = MARGIN + Math.max(length, packet.length)
    for (const [i, byte] of slab.entries())
      if (i < MARGIN || i >= end) assert.equal(byte, 0xaa, `byte ${i - MARGIN} is not of the packet`)
    return length < 0 ? length : slab.slice(MARGIN, MARGIN + length)
  }
  const must = (result: Uint8Array | number): Uint8Array => {
    assert.ok(typeof result !== "number", faultName(result as number))
    return result
  }
  const tryProtect = (packet: Uint8Array) => inSlab(packet, (...args) => sender.protect(...args))
  const tryProtectRtcp = (packet: Uint8Array) => inSlab(packet, (...args) => sender.protectRtcp(...args))
  return {
    sender,
    receiver,
    tryProtect,
    tryProtectRtcp,
    protect: (packet: Uint8Array) => must(tryProtect(packet)),
    protectRtcp: (packet: Uint8Array) => must(tryProtectRtcp(packet)),
    unprotect: (packet: Uint8Array) => inSlab(packet, (...args) => receiver.unprotect(...args)),
    unprotectRtcp: (packet: Uint8Array) => inSlab(packet, (...args) => receiver.unprotectRtcp(...args)),
  }
}

const uint32 = fc.integer({ min: 0, max: 0xffff_ffff })
const words = (max: number) =>
  fc.uint8Array({ maxLength: 4 * max }).map(bytes => [...bytes.subarray(0, bytes.length & ~3)])
const anyRtp: fc.Arbitrary<Rtp> = fc.record(
  {
    ssrc: uint32,
    sequence: fc.integer({ min: 0, max: 0xffff }),
    csrcs: fc.array(uint32, { maxLength: 15 }),
    extension: fc.record({ profile: fc.constantFrom(0xbede, 0x1000, 0x1003, 0x4711), body: words(12) }),
    payload: fc.uint8Array({ maxLength: 1_300 }).map(bytes => [...bytes]),
  },
  { requiredKeys: [] },
)

const extensions = { encryptedExtensions: [1, 3, 14, 200] }
const ways: readonly { sender: SrtpSenderOptions; receiver: SrtpReceiverOptions }[] = [
  { sender: {}, receiver: {} },
  { sender: { cryptex: true }, receiver: { cryptex: "accept" } },
  { sender: extensions, receiver: extensions },
  // A packet is of one way or the other, and says which.
  { sender: { cryptex: true }, receiver: { ...extensions, cryptex: "accept" } },
]

for (const [form, ciphers, why] of forms)
  describe(`SRTP with ciphers by ${form}`, { skip: why ?? false }, () => {
    test("every packet comes out as it went in, whatever its header, with every profile and way to hide", () => {
      fc.assert(
        fc.property(
          fc.constantFrom(...profiles),
          fc.constantFrom(...ways),
          anyRtp,
          (profile, way, packet) => {
            // What cryptex does not hide (RFC 9335 §4) would be taken for encrypted.
            fc.pre(way !== ways[3] || [undefined, 0xbede, 0x1000].includes(packet.extension?.profile))
            const { sender, protect, unprotect } = ends(ciphers, profile, way)
            const plain = rtp(packet)
            const sealed = protect(plain)
            assert.ok(sealed.length <= plain.length + sender.overhead)
            // CSRCs alone come with an empty extension.
            const isBare = packet.extension === undefined && (packet.csrcs ?? []).length > 0
            const grown = { ...packet, extension: { profile: 0xbede, body: [] } }
            assert.deepEqual(unprotect(sealed), way.sender.cryptex && isBare ? rtp(grown) : plain)
          },
        ),
        { numRuns: 300 },
      )
    })

    test("every RTCP packet comes out as it went in; media's short tag is not RTCP's", () => {
      for (const profile of profiles) {
        const { sender, protectRtcp, unprotectRtcp } = ends(ciphers, profile)
        for (const length of [0, 4, 20, 1_000]) {
          const plain = rtcp(
            length,
            Array.from({ length }, () => 7),
          )
          const sealed = protectRtcp(plain)
          assert.equal(sealed.length, plain.length + sender.rtcpOverhead)
          assert.deepEqual(unprotectRtcp(sealed), plain)
        }
      }
      assert.equal(ends(ciphers, "AES128_CM_HMAC_SHA1_32").sender.overhead, 4)
      assert.equal(ends(ciphers, "AES128_CM_HMAC_SHA1_32").sender.rtcpOverhead, 14)
      assert.equal(ends(ciphers, "AEAD_AES_128_GCM").sender.rtcpOverhead, 20)
    })

    test("no byte of a packet can be changed, cut off or added, and what is refused is forgotten", () => {
      for (const profile of profiles)
        for (const way of ways) {
          const { protect, protectRtcp, unprotect, unprotectRtcp } = ends(ciphers, profile, way)
          const packet = { csrcs: [5], extension: { profile: 0xbede, body: [0x10, 9, 0, 0] } }
          for (const [sealed, open] of [
            [protect(rtp(packet)), unprotect],
            [protectRtcp(rtcp()), unprotectRtcp],
          ] as const) {
            for (let i = 0; i < sealed.length; i++)
              for (const bit of [1, 0x80]) {
                const changed = sealed.slice()
                changed[i]! ^= bit
                assert.equal(typeof open(changed), "number", `${profile}: byte ${i}, bit ${bit}`)
              }
            for (let length = 0; length < sealed.length; length++)
              assert.equal(typeof open(sealed.slice(0, length)), "number", `${profile}: ${length} bytes`)
            assert.equal(typeof open(Uint8Array.of(...sealed, 0)), "number")
            assert.equal(typeof open(sealed), "object")
          }
        }
    })

    test("no bytes throw, whatever they say of their own length", () => {
      for (const profile of profiles)
        for (const way of ways) {
          const { receiver } = ends(ciphers, profile, way)
          const start = fc.constantFrom([0x80], [0x90], [0x9f, 96], [0x80, 200], [])
          fc.assert(
            fc.property(start, fc.uint8Array({ maxLength: 100 }), (start, rest) => {
              const bytes = Uint8Array.of(...start, ...rest)
              assert.ok(receiver.unprotect(bytes.slice(), 0, bytes.length) < 0)
              assert.ok(receiver.unprotectRtcp(bytes, 0, bytes.length) < 0)
            }),
            { numRuns: 200 },
          )
        }
    })

    test("what cannot be a packet is refused before anything of it is touched", () => {
      for (const profile of profiles) {
        const { tryProtect, tryProtectRtcp, unprotect, unprotectRtcp, receiver } = ends(ciphers, profile)
        const tooLong = rtp({ extension: { profile: 0xbede, body: [1, 2, 3, 4] }, payload: [] })
        tooLong[15] = 2
        const tooManyCsrcs = rtp({ payload: [1, 2, 3] })
        tooManyCsrcs[0]! |= 15
        const otherVersion = rtp()
        otherVersion[0]! &= 0x3f
        for (const bad of [tooLong, tooManyCsrcs, otherVersion, rtp().subarray(0, 11)]) {
          assert.equal(tryProtect(bad), MALFORMED)
          assert.equal(unprotect(bad), MALFORMED)
          const kept = bad.slice()
          assert.equal(receiver.unprotect(kept, 0, kept.length), MALFORMED)
          assert.deepEqual(kept, bad)
        }
        for (const bad of [
          new Uint8Array(),
          rtcp().subarray(0, 7),
          Uint8Array.of(0x40, 200, 0, 1, 0, 0, 0, 1),
        ]) {
          assert.equal(tryProtectRtcp(bad), MALFORMED)
          assert.equal(unprotectRtcp(bad), MALFORMED)
        }
        // Shorter than its header and what protection adds, by each length.
        for (let length = 0; length < 8 + 14; length++)
          assert.equal(unprotectRtcp(new Uint8Array(length).fill(0x80)), MALFORMED)
      }
    })

    test("a packet is taken once, and none far behind the newest", () => {
      for (const profile of profiles) {
        const { protect, protectRtcp, unprotect, unprotectRtcp } = ends(ciphers, profile)
        const sealed = Array.from({ length: 400 }, (_, i) => protect(rtp({ sequence: i + 1 })))
        assert.equal(typeof unprotect(sealed[0]!), "object")
        assert.equal(unprotect(sealed[0]!), REPLAYED)
        assert.equal(typeof unprotect(sealed[399]!), "object")
        assert.equal(unprotect(sealed[0]!), REPLAYED)
        assert.equal(unprotect(sealed[143]!), REPLAYED)
        for (const late of [sealed[144]!, sealed[200]!]) {
          assert.equal(typeof unprotect(late), "object")
          assert.equal(unprotect(late), REPLAYED)
        }
        const reports = Array.from({ length: 3 }, () => protectRtcp(rtcp()))
        for (const i of [2, 0, 1]) {
          assert.equal(typeof unprotectRtcp(reports[i]!), "object")
          assert.equal(unprotectRtcp(reports[i]!), REPLAYED)
        }
      }
    })

    test("a sequence number is sent once: twice would be two packets with one nonce", () => {
      const { protect, tryProtect } = ends(ciphers, "AEAD_AES_128_GCM")
      protect(rtp({ sequence: 10 }))
      const again = rtp({ sequence: 10, payload: [9] })
      assert.equal(tryProtect(again), REPLAYED)
      protect(rtp({ sequence: 9 }))
      protect(rtp({ sequence: 300 }))
      assert.equal(tryProtect(rtp({ sequence: 40 })), REPLAYED)
    })

    test("the rollover counter is recovered, however packets are lost and overtake each other", () => {
      const step = fc.record({
        skipped: fc.oneof(fc.nat(3), fc.nat(30_000)),
        lost: fc.boolean(),
        swapped: fc.boolean(),
      })
      fc.assert(
        fc.property(
          fc.constantFrom(...profiles),
          fc.nat(0x7fff),
          fc.array(step, { minLength: 20, maxLength: 60 }),
          (profile, first, steps) => {
            const { protect, unprotect } = ends(ciphers, profile)
            let sequence = first
            let waiting: { plain: Uint8Array; sealed: Uint8Array } | undefined
            const arrive = ({ plain, sealed }: { plain: Uint8Array; sealed: Uint8Array }) =>
              assert.deepEqual(unprotect(sealed), plain)
            let gap = 0
            for (const { skipped, lost, swapped } of steps) {
              gap += skipped + 1
              sequence += skipped + 1
              const plain = rtp({ sequence: sequence & 0xffff, payload: [sequence & 255] })
              const packet = { plain, sealed: protect(plain) }
              // Beyond half the numbers nobody could tell.
              if (lost && gap < 0x8000 - 30_001) continue
              if (waiting === undefined && swapped && gap < 0x8000 - 30_001) {
                waiting = packet
                continue
              }
              arrive(packet)
              if (waiting !== undefined && gap < 200) arrive(waiting)
              waiting = undefined
              gap = 0
            }
          },
        ),
        { numRuns: 100 },
      )
    })

    test("an SSRC that comes back goes on where it was, and its nonces with it", () => {
      for (const profile of profiles) {
        const { protect, unprotect } = ends(ciphers, profile)
        const [a, b] = [0x11111111, 0x22222222]
        // A is in its second round of sequence numbers when B takes over.
        for (const sequence of [0x7000, 0xe000, 0x5000])
          assert.equal(typeof unprotect(protect(rtp({ ssrc: a, sequence }))), "object")
        const replayed = protect(rtp({ ssrc: a, sequence: 0x5001 }))
        for (const sequence of [1, 2]) unprotect(protect(rtp({ ssrc: b, sequence })))
        const plain = rtp({ ssrc: a, sequence: 0x7000 })
        const sealed = protect(plain)
        const fresh = ends(ciphers, profile).protect(plain)
        assert.notDeepEqual(sealed, fresh, "the keystream of the first round")
        assert.deepEqual(unprotect(sealed), plain)
        assert.equal(unprotect(replayed), REPLAYED)
      }
    })

    test("no two packets of a key have one nonce, of any SSRC, order and round, RTCP beside RTP", () => {
      const seen = new Set<string>()
      const counting: Ciphers = {
        ...ciphers,
        aead(algorithm, key) {
          const aead = ciphers.aead(algorithm, key)
          const name = Buffer.from(key).toString("hex")
          return {
            open: (...args) => aead.open(...args),
            seal(nonce, ...rest) {
              const use = name + Buffer.from(nonce).toString("hex")
              assert.ok(!seen.has(use))
              seen.add(use)
              aead.seal(nonce, ...rest)
            },
            close: () => aead.close(),
          }
        },
      }
      const sender = new SrtpSender(counting, masterOf("AEAD_AES_256_GCM"), "AEAD_AES_256_GCM")
      const packet = fc.record({ ssrc: fc.nat(2), sequence: fc.integer({ min: 0, max: 0xffff }) })
      let taken = 0
      fc.assert(
        fc.property(fc.array(packet, { minLength: 30, maxLength: 50 }), packets => {
          for (const { ssrc, sequence } of packets) {
            const slab = Uint8Array.of(...rtp({ ssrc, sequence }), ...new Uint8Array(16))
            if (sender.protect(slab, 0, slab.length - 16) > 0) taken++
            const report = Uint8Array.of(...rtcp(ssrc), ...new Uint8Array(20))
            if (sender.protectRtcp(report, 0, report.length - 20) > 0) taken++
          }
        }),
      )
      assert.equal(seen.size, taken)
      assert.ok(taken > 2_000)
    })

    test("SSRCs of one key are limited at both ends, and a stranger makes none", () => {
      for (const profile of profiles) {
        const limits = { streams: 2 }
        const { protect, tryProtect, tryProtectRtcp, unprotect, unprotectRtcp } = ends(ciphers, profile, {
          sender: { limits },
          receiver: { limits },
        })
        const other = ends(ciphers, profile)
        for (const ssrc of [1, 2, 3, 4, 5]) {
          const forged = other.protect(rtp({ ssrc }))
          forged[forged.length - 1]! ^= 1
          assert.equal(unprotect(forged), FORGED)
          const report = other.protectRtcp(rtcp(ssrc))
          report[report.length - 1]! ^= 1
          assert.equal(typeof unprotectRtcp(report), "number")
        }
        for (const ssrc of [1, 2]) assert.equal(typeof unprotect(protect(rtp({ ssrc }))), "object")
        assert.equal(tryProtect(rtp({ ssrc: 3 })), TOO_MANY_STREAMS)
        assert.equal(tryProtectRtcp(rtcp(3)), TOO_MANY_STREAMS)
        assert.equal(unprotect(other.protect(rtp({ ssrc: 6 }))), TOO_MANY_STREAMS)
        assert.equal(unprotectRtcp(other.protectRtcp(rtcp(6))), TOO_MANY_STREAMS)
        assert.equal(typeof unprotect(protect(rtp({ ssrc: 1, sequence: 2 }))), "object")
      }
    })

    test("a key that has protected all that it may protects nothing more", () => {
      const limits = { packets: 0x18000, rtcpPackets: 3 }
      const { protect, tryProtect, protectRtcp, tryProtectRtcp } = ends(ciphers, "AEAD_AES_128_GCM", {
        sender: { limits },
      })
      for (const sequence of [0x7000, 0xe000, 0x4000, 0x7fff]) protect(rtp({ sequence }))
      assert.equal(tryProtect(rtp({ sequence: 0x8000 })), EXHAUSTED)
      for (let i = 0; i < 3; i++) protectRtcp(rtcp())
      assert.equal(tryProtectRtcp(rtcp()), EXHAUSTED)
      // The receiver's are its own.
      const both = ends(ciphers, "AEAD_AES_128_GCM", { receiver: { limits } })
      for (const sequence of [0x7000, 0xe000, 0x4000])
        assert.equal(typeof both.unprotect(both.protect(rtp({ sequence }))), "object")
      assert.equal(both.unprotect(both.protect(rtp({ sequence: 0x8000 }))), EXHAUSTED)
      const reports = Array.from({ length: 4 }, () => both.protectRtcp(rtcp()))
      assert.equal(typeof both.unprotectRtcp(reports[2]!), "object")
      assert.equal(both.unprotectRtcp(reports[3]!), EXHAUSTED)
    })

    test("where cryptex is required, what shows CSRCs or extensions is refused; a bare packet is not", () => {
      for (const profile of profiles) {
        const { protect, unprotect } = ends(ciphers, profile, { receiver: { cryptex: "require" } })
        const extension = { profile: 0xbede, body: [0x10, 1, 0, 0] }
        assert.equal(unprotect(protect(rtp({ sequence: 1, extension }))), EXPOSED)
        assert.equal(unprotect(protect(rtp({ sequence: 2, csrcs: [1] }))), EXPOSED)
        assert.equal(typeof unprotect(protect(rtp({ sequence: 3 }))), "object")
      }
    })

    test("RTCP that is not encrypted is refused: each profile encrypts it", () => {
      for (const profile of profiles) {
        const { protectRtcp, unprotectRtcp, sender } = ends(ciphers, profile)
        const sealed = protectRtcp(rtcp())
        const isAead = profile.startsWith("AEAD")
        sealed[sealed.length - (isAead ? 4 : sender.rtcpOverhead)]! &= 0x7f
        assert.equal(unprotectRtcp(sealed), EXPOSED)
      }
    })

    test("what goes over the wire shows nothing of the body, and with cryptex nothing of CSRCs and extensions", () => {
      const csrcs = [0x41414141, 0x42424242, 0x43434343]
      const extension = { profile: 0xbede, body: [...Buffer.from("EXTENSION PAYLOAD")].slice(0, 16) }
      const payload = [...Buffer.from("A BODY THAT NOBODY IS TO READ")]
      const shows = (bytes: Uint8Array, text: string) => Buffer.from(bytes).includes(text)
      for (const profile of profiles) {
        const clear = ends(ciphers, profile).protect(rtp({ csrcs, extension, payload }))
        assert.ok(shows(clear, "BBBB") && shows(clear, "EXTENSION") && !shows(clear, "BODY"))
        const hidden = ends(ciphers, profile, { sender: { cryptex: true } })
        const sealed = hidden.protect(rtp({ csrcs, extension, payload }))
        for (const text of ["AAAA", "BBBB", "CCCC", "EXTE", "PAYL", "BODY"]) assert.ok(!shows(sealed, text))
      }
    })

    test("an extension that is too long to be encrypted is not sent", () => {
      const { tryProtect } = ends(ciphers, "AEAD_AES_128_GCM", { sender: extensions })
      const body = Array.from({ length: 4_100 }, () => 0)
      assert.equal(tryProtect(rtp({ extension: { profile: 0xbede, body } })), MALFORMED)
    })
  })

test("an index is the closest to the highest with its sequence number", () => {
  assert.equal(packetIndex(-1, 0xffff), 0xffff)
  assert.equal(packetIndex(0xffff, 0), 0x10000)
  assert.equal(packetIndex(0x10000, 0xffff), 0xffff)
  assert.equal(packetIndex(5, 0xfff0), 0xfff0, "before the first round there is none")
  const high = 2 ** 48 - 1
  assert.equal(packetIndex(high, 0), 2 ** 48)
  assert.equal(packetIndex(high, 0xfff0), high - 15)
  fc.assert(
    fc.property(
      fc.maxSafeNat().map(n => n % 2 ** 48),
      fc.integer({ min: -0x7fff, max: 0x7fff }),
      (highest, ahead) => {
        fc.pre(highest + ahead >= 0)
        assert.equal(packetIndex(highest, (highest + ahead) % 0x10000), highest + ahead)
      },
    ),
  )
})

test("a key of another profile, and two ways to hide at once, are the programmer's mistakes", () => {
  const { ciphers } = chooseCiphers("off")
  const master = masterOf("AEAD_AES_128_GCM")
  assert.throws(() => new SrtpSender(ciphers, master, "AEAD_AES_256_GCM"), /^TypeError: master: /)
  const both = { cryptex: true, encryptedExtensions: [1] }
  assert.throws(() => new SrtpSender(ciphers, master, "AEAD_AES_128_GCM", both), /^TypeError: encryptedEx/)
  const badId = { encryptedExtensions: [0] }
  assert.throws(() => new SrtpReceiver(ciphers, master, "AEAD_AES_128_GCM", badId), /^TypeError: encryptedEx/)
})
