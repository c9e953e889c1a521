import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import { X509Certificate } from "node:crypto"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, test } from "node:test"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import { selfSignedCertificate } from "./index.ts"

describe("a certificate of our own", () => {
  for (const type of ["ecdsa-p256", "rsa-2048"] as const) {
    const certificate = selfSignedCertificate(nodeCrypto, { type })
    const parsed = new X509Certificate(certificate.der)

    test(`of ${type} is signed by its own key`, () => {
      assert.ok(parsed.verify(parsed.publicKey))
      assert.ok(parsed.checkIssued(parsed))
      assert.equal(parsed.subject, "CN=WebRTC")
      assert.equal(parsed.issuer, "CN=WebRTC")
      assert.deepEqual(new Uint8Array(parsed.raw), certificate.der)
    })

    test(`of ${type} is for the key that proves it`, () => {
      const content = Buffer.from("proof")
      const scheme = type === "rsa-2048" ? "rsa_pss_rsae_sha256" : "ecdsa_secp256r1_sha256"
      const signature = certificate.privateKey.sign(scheme, content)
      assert.ok(nodeCrypto.publicKey(certificate.der)?.verify(scheme, content, signature))
    })

    test(`of ${type} is what openssl verifies`, t => {
      const folder = mkdtempSync(join(tmpdir(), "certificate-"))
      t.after(() => rmSync(folder, { recursive: true }))
      const file = join(folder, "certificate.pem")
      writeFileSync(file, parsed.toString())
      try {
        execFileSync("openssl", ["version"])
      } catch {
        return t.skip("openssl is not here")
      }
      const said = execFileSync("openssl", ["verify", "-check_ss_sig", "-CAfile", file, file], {
        encoding: "utf8",
      })
      assert.match(said, /: OK/)
    })
  }

  test("is valid when it was said to be, before 2050 and after", () => {
    const from = Date.UTC(2026, 1, 3, 4, 5, 6, 789)
    const to = Date.UTC(2051, 10, 12, 13, 14, 15)
    const { der } = selfSignedCertificate(nodeCrypto, { notBefore: from, notAfter: to })
    const parsed = new X509Certificate(der)
    assert.equal(parsed.validFrom, "Feb  3 04:05:06 2026 GMT")
    assert.equal(parsed.validTo, "Nov 12 13:14:15 2051 GMT")
  })

  test("is valid for ever where nothing was said, has the name it is given, and a number of its own", () => {
    const [one, other] = [1, 2].map(
      () => new X509Certificate(selfSignedCertificate(nodeCrypto, { subject: "Zoë" }).der),
    )
    assert.equal(one!.validTo, "Dec 31 23:59:59 9999 GMT")
    assert.equal(one!.subject, "CN=Zoë")
    assert.notEqual(one!.serialNumber, other!.serialNumber)
    assert.equal(one!.serialNumber.length, 32)
  })
})
