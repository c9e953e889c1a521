import assert from "node:assert/strict"
import { X509Certificate } from "node:crypto"
import { describe, test } from "node:test"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import {
  fingerprintOf,
  formatFingerprint,
  matchesFingerprint,
  parseFingerprint,
  selfSignedCertificate,
} from "./index.ts"

const { der } = selfSignedCertificate(nodeCrypto)
const other = selfSignedCertificate(nodeCrypto).der
const sha256 = fingerprintOf(nodeCrypto, der, "sha-256")
const sha512 = fingerprintOf(nodeCrypto, der, "sha-512")

describe("a fingerprint", () => {
  test("is the hash over the certificate's DER, as others write it", () => {
    const parsed = new X509Certificate(der)
    assert.equal(sha256.value, parsed.fingerprint256)
    assert.equal(sha512.value, parsed.fingerprint512)
    assert.equal(fingerprintOf(nodeCrypto, der, "sha-384").value.length, 3 * 48 - 1)
  })

  test("is read in upper case and lower, and written in upper", () => {
    const text = formatFingerprint(sha256)
    assert.deepEqual(parseFingerprint(text), sha256)
    assert.deepEqual(parseFingerprint(text.toLowerCase()), sha256)
    assert.deepEqual(parseFingerprint(text.toUpperCase()), sha256)
  })

  test("of another algorithm or another length is none", () => {
    const { value } = sha256
    for (const text of [
      "",
      "sha-256",
      `sha-1 ${value}`,
      `md5 ${value}`,
      `sha-512 ${value}`,
      `sha-256 ${value}:00`,
      `sha-256 ${value.slice(3)}`,
      `sha-256 ${value.replaceAll(":", "")}`,
      `sha-256 ${value.replaceAll(":", "-")}`,
      `sha-256 ${value} ${value}`,
      `sha-256 ${"G0:".repeat(31)}G0`,
    ])
      assert.equal(parseFingerprint(text), undefined, text)
  })
})

describe("a certificate matches", () => {
  const matches = (...fingerprints: (typeof sha256)[]) => matchesFingerprint(nodeCrypto, der, fingerprints)
  const othersOf = (algorithm: "sha-256" | "sha-512") => fingerprintOf(nodeCrypto, other, algorithm)

  test("what it is hashed to, in either case", () => {
    assert.ok(matches(sha256))
    assert.ok(matches({ ...sha256, value: sha256.value.toLowerCase() }))
    assert.ok(!matches(othersOf("sha-256")))
  })

  test("one of several of the same hash, as of several certificates", () => {
    assert.ok(matches(othersOf("sha-256"), sha256))
    assert.ok(!matches(othersOf("sha-256"), othersOf("sha-256")))
  })

  test("by the strongest hash that is told, whatever the weaker ones say (RFC 8122 §5.1)", () => {
    assert.ok(matches(othersOf("sha-256"), sha512))
    assert.ok(!matches(sha256, othersOf("sha-512")))
  })

  test("nothing where nothing is told", () => {
    assert.ok(!matches())
  })
})
