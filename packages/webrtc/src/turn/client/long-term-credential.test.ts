import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import { describe, test } from "node:test"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import { Attribute, hasValidIntegrity, hasValidIntegritySha256 } from "../../stun/index.ts"
import { address } from "../testing/world.ts"
import { allocated, challenge, failureOf, grant, PEER, Script, SERVER, SHA1 } from "./testing/script.ts"

const text = (text: string): Uint8Array => new TextEncoder().encode(text)
const hash = (algorithm: "md5" | "sha256", of: string): Uint8Array =>
  createHash(algorithm).update(of).digest()

/** "obMatJos2" and the features: password algorithms, username anonymity. */
const COOKIE = { none: "obMatJos2AAAA", algorithms: "obMatJos2gAAA", both: "obMatJos2wAAA" }
const MD5_THEN_SHA256 = Uint8Array.of(0, 1, 0, 0, 0, 2, 0, 0)
const UNKNOWN_THEN_SHA256 = Uint8Array.of(0, 9, 0, 1, 7, 0, 0, 0, 0, 2, 0, 0)

describe("the long-term credentials of a client", () => {
  test("RFC 5389: the first request is bare, the second has USERNAME, REALM, NONCE and an HMAC-SHA1", () => {
    const script = new Script()
    script.allocate()
    assert.equal(script.request.integrityAt, -1)
    assert.equal(script.request.has(Attribute.username), false)
    // Room for a server that may answer with 2.2 times what it got, and wants to offer SHA-256.
    assert.ok(script.sent[0]!.bytes.length >= 40)
    const { transactionId } = script.request
    script.refuse(401, challenge("nonce"))
    const { request } = script
    assert.notDeepEqual(request.transactionId, transactionId)
    assert.deepEqual(request.value(Attribute.username), text("user"))
    assert.deepEqual(request.value(Attribute.nonce), text("nonce"))
    assert.equal(request.has(Attribute.passwordAlgorithms), false)
    assert.ok(hasValidIntegrity(request, SHA1))
  })

  for (const [name, algorithms, number, digest] of [
    ["the server's first", MD5_THEN_SHA256, 1, "md5"],
    ["the first that is known", UNKNOWN_THEN_SHA256, 2, "sha256"],
  ] as const)
    test(`RFC 8489: of PASSWORD-ALGORITHMS ${name} is taken, and only HMAC-SHA256 used`, () => {
      const key = nodeCrypto.hmac("sha256", hash(digest, "user:realm:pass"))
      const script = new Script()
      script.allocate()
      script.refuse(401, challenge(`${COOKIE.algorithms}x`, algorithms))
      const { request } = script
      assert.deepEqual(request.value(Attribute.passwordAlgorithms), algorithms)
      assert.equal(request.uint32(Attribute.passwordAlgorithm), number * 0x10000)
      assert.equal(request.integrityAt, -1)
      assert.ok(hasValidIntegritySha256(request, key))
      script.answer({ fill: grant(SERVER), sha1: nodeCrypto.hmac("sha1", hash(digest, "user:realm:pass")) })
      assert.equal(script.events.length, 0, "an answer bid down to SHA-1 is none")
      script.answer({ fill: grant(SERVER), sha256: key })
      assert.equal(script.events[0]?.type, "allocated")
    })

  test("username anonymity: the hash goes out, the name does not", () => {
    const script = new Script()
    script.allocate()
    script.refuse(401, challenge(COOKIE.both, MD5_THEN_SHA256))
    assert.deepEqual(
      Buffer.from(script.request.value(Attribute.userhash)!).toString("hex"),
      Buffer.from(hash("sha256", "user:realm")).toString("hex"),
    )
    assert.equal(script.request.has(Attribute.username), false)
  })

  test("algorithms that somebody took out of the challenge are missed", () => {
    const script = new Script()
    script.allocate()
    script.refuse(401, challenge(COOKIE.algorithms))
    assert.equal(failureOf(script).reason, "bid-down")
    assert.equal(script.sent.length, 1)

    const later = new Script()
    later.allocate()
    later.refuse(401, challenge(COOKIE.algorithms, MD5_THEN_SHA256))
    later.refuse(438, challenge("another"))
    assert.equal(failureOf(later).reason, "bid-down")
  })

  test("a nonce that promises algorithms makes an answer without them none, signed or not", () => {
    const script = allocated()
    script.client.permit([PEER.ip], script.now, script.out)
    script.answer({ sha1: SHA1, fill: writer => writer.text(Attribute.nonce, COOKIE.algorithms) })
    assert.equal(script.events.length, 0)
    script.answer({ sha1: SHA1, fill: writer => writer.text(Attribute.nonce, COOKIE.none) })
    assert.equal(script.events.at(0)?.type, "permitted")
  })

  test("no algorithm that is known, and challenges that cannot be read", () => {
    for (const [answer, reason] of [
      [challenge(COOKIE.algorithms, Uint8Array.of(0, 9, 0, 0)), "no-password-algorithm"],
      [challenge(COOKIE.algorithms, new Uint8Array(300)), "unreadable"],
      [challenge("n".repeat(764)), "unreadable"],
      [challenge("nonce", undefined, "r".repeat(764)), "unreadable"],
      [{}, "unreadable"],
    ] as const) {
      const script = new Script()
      script.allocate()
      script.refuse(401, answer)
      assert.equal(failureOf(script).reason, reason)
      assert.equal(script.sent.length, 1)
    }
  })

  test("the longest username, realm, nonce and algorithms fit, with as many peers as one request has", () => {
    const realm = "r".repeat(763)
    const username = "u".repeat(508)
    const key = nodeCrypto.hmac("sha256", hash("md5", `${username}:${realm}:pass`))
    const algorithms = new Uint8Array(256)
    algorithms[1] = 1
    const script = new Script({ username })
    script.allocate()
    script.refuse(401, challenge(COOKIE.both + "n".repeat(750), algorithms, realm))
    script.answer({ fill: grant(address("[2a00::5]:50000")), sha256: key })
    assert.equal(
      script.events.at(-1)?.type,
      undefined,
      "an IPv6 address that was not asked for is given back",
    )
    assert.equal(script.request.uint32(Attribute.lifetime), 0)
    const other = new Script({ username, families: "v6" })
    other.allocate()
    other.refuse(401, challenge(COOKIE.both + "n".repeat(750), algorithms, realm))
    other.answer({ fill: grant(address("[2a00::5]:50000")), sha256: key })
    const peers = Array.from({ length: 40 }, (_, i) => address(`[2a01::${i + 1}]:1`).ip)
    other.client.permit(peers, other.now, other.out)
    const asked = other.sent.slice(2).map(({ bytes }) => bytes.length)
    assert.equal(asked.length, 3)
  })

  test("the same credentials are not tried twice, and a server cannot keep us asking", () => {
    const script = new Script()
    script.allocate()
    script.refuse(401, challenge("nonce"))
    script.refuse(401, challenge("nonce"))
    assert.equal(failureOf(script).reason, "unauthenticated")
    const other = new Script()
    other.allocate()
    for (let i = 0; i < 100 && other.events.length === 0; i++) other.refuse(438, challenge(`nonce ${i}`))
    assert.equal(failureOf(other).reason, "stale-nonce")
    assert.equal(other.sent.length, 5)
  })

  test("over UDP what is not authenticated never came, and is told in place of the timeout", () => {
    const script = new Script()
    script.allocate()
    script.refuse(401, challenge("nonce"))
    script.refuse(400)
    script.refuse(486)
    script.answer({ fill: grant(SERVER) })
    script.answer({ fill: grant(SERVER), sha1: nodeCrypto.hmac("sha1", text("another key")) })
    assert.deepEqual(script.events, [])
    script.advance(39_499)
    assert.deepEqual(script.events, [])
    script.advance(1)
    assert.deepEqual(failureOf(script), { reason: "integrity-violated" })
  })

  test("over a stream it ends the request at once; nothing is sent twice there", () => {
    const script = new Script({}, "tcp")
    script.allocate()
    script.advance(39_000)
    assert.equal(script.sent.length, 1)
    script.refuse(401, challenge("nonce"))
    script.answer({ fill: grant(SERVER) })
    assert.deepEqual(failureOf(script), { reason: "integrity-violated" })
    const silent = new Script({}, "tls")
    silent.allocate()
    silent.advance(39_500)
    assert.deepEqual(failureOf(silent), { reason: "timeout" })
  })
})
