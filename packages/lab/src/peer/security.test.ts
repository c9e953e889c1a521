/** Strangers, and those who are not who they should be: what must not happen. */
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import type { DtlsVersion } from "@tightbeam/webrtc/dtls"
import fc from "fast-check"
import { PeerPair, utf8 } from "./testing/peer-pair.ts"

/** A ClientHello of DTLS 1.2 that offers nothing but TLS_NULL_WITH_NULL_NULL, and no compression. */
const NULL_HELLO = (() => {
  const body = [0xfe, 0xfd, ...Array.from({ length: 32 }, () => 7), 0, 0, 0, 2, 0, 0, 1, 0]
  const length = [0, 0, body.length]
  const message = [1, ...length, 0, 0, 0, 0, 0, ...length, ...body]
  return Uint8Array.of(22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, message.length, ...message)
})()

describe("a ClientHello with TLS_NULL from a third address", () => {
  for (const version of ["1.2", "1.3"] satisfies DtlsVersion[])
    for (const answers of ["active", "passive"] as const)
      for (const isTold of [false, true])
        test(`before, in and after a handshake of ${version} is dropped silently (${answers}, ${isTold ? "a candidate" : "unknown"})`, () => {
          const pair = new PeerPair({ answers, both: { dtls: { versions: [version] } } })
          const third = pair.internet.host("third")
          const from = { ip: third.ips[0]!, port: 6666 }
          let answered = 0
          const isDtls = (bytes: Uint8Array) => bytes[0]! >= 20 && bytes[0]! <= 63
          third.bind(6666, bytes => {
            if (isDtls(bytes)) answered++
          })
          pair.call()
          const inject = () => {
            for (const end of [pair.one, pair.other])
              if (end.hasGathered) third.send(from, end.address, NULL_HELLO)
          }
          // To be told of proves nothing.
          const text = `candidate:9 1 udp 1 ${from.ip.join(".")} 6666 typ host`
          for (const { driver, peer } of [pair.one, pair.other])
            if (isTold) driver.command((now, out) => peer.addRemoteCandidate(text, now, out))
          while (!pair.isConnected) {
            inject()
            pair.run(2)
            assert.ok(pair.internet.now < 5_000)
          }
          inject()
          pair.run(500)
          for (const end of [pair.one, pair.other]) {
            assert.equal(end.peer.state, "connected")
            assert.deepEqual(end.noted("rejected"), [])
            assert.deepEqual(end.noted("alert"), [])
            assert.equal(end.peer.counters().earlyDropped, 0)
          }
          assert.equal(answered, 0)
        })
})

describe("a certificate that was not promised", () => {
  for (const version of ["1.2", "1.3"] satisfies DtlsVersion[])
    for (const answers of ["active", "passive"] as const)
      for (const forged of ["offer", "answer"] as const)
        test(`lets nothing out, ${version}, the answer is ${answers}, the ${forged} lies`, () => {
          const both = { dtls: { versions: [version], srtp: ["AEAD_AES_128_GCM"] as const } }
          const pair = new PeerPair({ answers, forged: [forged], both }).call()
          const deceived = forged === "offer" ? pair.other : pair.one
          for (let i = 0; i < 200; i++) {
            pair.run(10)
            assert.ok(!deceived.send("secret"))
            assert.ok(!deceived.sendRtp(Uint8Array.of(0x80, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 7, 1)))
            // Whoever is not lied to may believe that it is connected: what it says must not arrive.
            const liar = deceived === pair.one ? pair.other : pair.one
            liar.send("from somebody else")
            assert.notEqual(deceived.peer.state, "connected")
          }
          assert.equal(deceived.peer.state, "failed")
          assert.equal(deceived.peer.dtls?.srtp, undefined)
          assert.deepEqual(deceived.data, [])
          assert.deepEqual(deceived.rtp, [])
        })
})

describe("media", () => {
  test("before its keys, and what is not protected with them, goes nowhere", () => {
    const pair = new PeerPair({ both: { dtls: { srtp: ["AEAD_AES_128_GCM"] } } }).connect()
    const { one, other } = pair
    const forged = [
      Uint8Array.of(0x80),
      Uint8Array.of(0x80, 201),
      Uint8Array.of(0x80, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 7),
      new Uint8Array(60).fill(0x80),
      new Uint8Array(60).fill(0xbf),
    ]
    for (const bytes of forged) other.host.send(other.address, one.address, bytes)
    pair.run(100)
    assert.deepEqual([one.rtp, one.rtcp], [[], []])
    assert.equal(one.peer.counters().mediaRejected, forged.length)
    assert.ok(pair.isConnected)
  })

  test("has no keys any more once DTLS gave up", () => {
    const dtls = { srtp: ["AEAD_AES_128_GCM"], limits: { forged: 1 } } as const
    const pair = new PeerPair({ both: { dtls } }).connect()
    const { one, other } = pair
    const packet = Uint8Array.of(0x80, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 7, 1)
    assert.ok(one.sendRtp(packet))
    // A record of the epoch in use that is nobody's.
    const forged = Uint8Array.of(0x2f, ...new Uint8Array(40).fill(9))
    forged.set([0, 1, 0, 36], 1)
    other.host.send(other.address, one.address, forged)
    pair.run(100)
    assert.equal(one.peer.state, "failed")
    assert.ok(!one.sendRtp(packet))
    assert.ok(!one.send("data"))
    assert.ok(other.sendRtp(packet) || other.peer.state === "failed")
    pair.run(100)
    assert.deepEqual(one.rtp, [])
  })
})

describe("any bytes", () => {
  test("from where the other end is do no harm to what is connected", () => {
    const pair = new PeerPair({ both: { dtls: { srtp: ["AEAD_AES_128_GCM"] } } }).connect()
    const { one, other } = pair
    const first = fc.constantFrom(0, 3, 20, 21, 22, 23, 25, 26, 44, 63, 64, 127, 128, 191, 192, 255)
    fc.assert(
      fc.property(first, fc.uint8Array({ maxLength: 100 }), (first, rest) => {
        other.host.send(other.address, one.address, Uint8Array.of(first, ...rest))
        pair.run(15)
      }),
    )
    assert.ok(pair.isConnected)
    assert.ok(other.send("still here"))
    pair.run(100)
    assert.deepEqual(one.data, ["still here"])
  })

  for (const version of ["1.2", "1.3"] satisfies DtlsVersion[])
    test(`that were its own, changed and said again amid a handshake of ${version}, are borne`, () => {
      const change = fc.record({ at: fc.nat(1_200), bits: fc.integer({ min: 1, max: 255 }), cut: fc.nat(60) })
      fc.assert(
        fc.property(fc.array(change, { minLength: 1, maxLength: 20 }), fc.nat(100), (changes, seed) => {
          const srtp = ["AES128_CM_HMAC_SHA1_80"] as const
          const pair = new PeerPair({ network: { seed }, both: { dtls: { versions: [version], srtp } } })
          const { one, other } = pair
          let next = 0
          pair.internet.watch(({ packet, where, what }) => {
            const change = changes[next % changes.length]!
            const isTheirs = where === "other" && what === "sent"
            if (!isTheirs || next > 3 * changes.length || packet.payload.length < 70) return
            next++
            const copy = packet.payload.slice(0, packet.payload.length - change.cut)
            copy[change.at % copy.length]! ^= change.bits
            pair.internet.schedule.after(1, () => other.host.send(other.address, one.address, copy))
          })
          pair.call().run(10_000)
          assert.ok(next > 0)
          // Whoever is in the way may keep a handshake from taking place, and no more.
          for (const end of [one, other])
            assert.ok(["connected", "failed", "connecting"].includes(end.peer.state))
          one.close()
          other.close()
        }),
        { numRuns: 60 },
      )
    })

  test("before a handshake do not keep it from taking place", () => {
    const pair = new PeerPair({ answerTakes: 200 }).call().run(150)
    const { one, other } = pair
    for (let i = 20; i < 64; i++)
      other.host.send(other.address, one.address, utf8(`${String.fromCharCode(i)}…`))
    other.host.send(other.address, one.address, NULL_HELLO)
    pair.internet.runUntil(() => pair.isConnected, 10_000)
  })
})
