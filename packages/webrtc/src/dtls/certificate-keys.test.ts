import assert from "node:assert/strict"
import { generateKeyPairSync, type KeyObject } from "node:crypto"
import { describe, test } from "node:test"
import { nodeCrypto, privateKeyFrom } from "@tightbeam/webrtc/crypto/node"
import fc from "fast-check"
import type { KeyType, PrivateKey, SignatureScheme } from "../crypto/index.ts"
import { bitString, der, objectIdentifier, sequence, Tag, time } from "./der.ts"

const content = new TextEncoder().encode("what is signed")

const KEYS: Readonly<Record<KeyType, () => KeyObject>> = {
  "ecdsa-p256": () => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey,
  "ecdsa-p384": () => generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey,
  ed25519: () => generateKeyPairSync("ed25519").privateKey,
  rsa: () => generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey,
}

const SCHEMES: Readonly<Partial<Record<SignatureScheme, KeyType>>> = {
  ecdsa_secp256r1_sha256: "ecdsa-p256",
  ecdsa_secp384r1_sha384: "ecdsa-p384",
  ed25519: "ed25519",
  rsa_pss_rsae_sha256: "rsa",
  rsa_pss_rsae_sha384: "rsa",
  rsa_pss_rsae_sha512: "rsa",
  rsa_pkcs1_sha256: "rsa",
  rsa_pkcs1_sha384: "rsa",
  rsa_pkcs1_sha512: "rsa",
}
const schemes = Object.entries(SCHEMES) as readonly (readonly [SignatureScheme, KeyType])[]

/** A certificate for a key, signed by nobody: what is asked is whose it is. */
function certificateFor(publicKeyInfo: Uint8Array): Uint8Array {
  const algorithm = sequence(objectIdentifier("1.2.840.10045.4.3.2"))
  const validity = sequence(time(0), time(1e12))
  const serial = der(Tag.integer, Uint8Array.of(1))
  const body = sequence(serial, algorithm, sequence(), validity, sequence(), publicKeyInfo)
  return sequence(body, algorithm, bitString(Uint8Array.of(1)))
}

function publicKeyOf({ publicKeyInfo }: PrivateKey) {
  const key = nodeCrypto.publicKey(certificateFor(publicKeyInfo))
  assert.ok(key !== undefined)
  return key
}

describe("signatures", () => {
  const keys = new Map(
    (Object.keys(KEYS) as KeyType[]).map(type => [type, privateKeyFrom(KEYS[type]())] as const),
  )

  for (const [scheme, type] of schemes)
    test(`of ${scheme} hold for what was signed and nothing else`, () => {
      const ours = keys.get(type)!
      const theirs = publicKeyOf(ours)
      assert.equal(ours.type, type)
      assert.equal(theirs.type, type)
      const signature = ours.sign(scheme, content)
      assert.ok(theirs.verify(scheme, content, signature))
      assert.ok(!theirs.verify(scheme, content.subarray(1), signature))
      const changed = Uint8Array.from(signature)
      changed[changed.length >> 1]! ^= 1
      assert.ok(!theirs.verify(scheme, content, changed))
      assert.ok(!theirs.verify(scheme, content, signature.subarray(1)))
      assert.ok(!theirs.verify(scheme, content, new Uint8Array(0)))
      assert.ok(!publicKeyOf(privateKeyFrom(KEYS[type]())).verify(scheme, content, signature))
      for (const [other] of schemes)
        if (other !== scheme) assert.ok(!theirs.verify(other, content, signature), other)
    })

  test("of a scheme for another type of key are a mistake of whoever signs", () => {
    const ours = nodeCrypto.privateKey("ecdsa-p256")
    assert.throws(() => ours.sign("rsa_pss_rsae_sha256", content), TypeError)
    assert.throws(() => ours.sign("ecdsa_secp384r1_sha384", content), TypeError)
  })

  test("the two types of key that are made are what they are called", () => {
    assert.equal(nodeCrypto.privateKey("ecdsa-p256").type, "ecdsa-p256")
    assert.equal(nodeCrypto.privateKey("rsa-2048").type, "rsa")
  })
})

describe("a certificate", () => {
  test("for a key of another type, or of RSA too weak or too dear, has none", () => {
    const infoOf = ({ publicKey }: { publicKey: KeyObject }) =>
      publicKey.export({ type: "spki", format: "der" })
    const infos = [
      infoOf(generateKeyPairSync("x25519")),
      infoOf(generateKeyPairSync("ec", { namedCurve: "secp521r1" })),
      infoOf(generateKeyPairSync("rsa", { modulusLength: 1016 })),
      rsaInfo(8200),
    ]
    for (const info of infos) assert.equal(nodeCrypto.publicKey(certificateFor(info)), undefined)
    assert.equal(nodeCrypto.publicKey(certificateFor(rsaInfo(8192)))?.type, "rsa")
  })

  test("of text, or with something behind it, is none", () => {
    const certificate = certificateFor(nodeCrypto.privateKey("ecdsa-p256").publicKeyInfo)
    const text = `-----BEGIN CERTIFICATE-----\n${Buffer.from(certificate).toString("base64")}\n-----END CERTIFICATE-----\n`
    assert.ok(nodeCrypto.publicKey(certificate) !== undefined)
    assert.equal(nodeCrypto.publicKey(Buffer.from(text)), undefined)
    assert.equal(nodeCrypto.publicKey(Buffer.concat([certificate, Buffer.of(0)])), undefined)
  })

  test("of any bytes, and one that was changed anywhere, never throws", () => {
    const certificate = certificateFor(nodeCrypto.privateKey("ecdsa-p256").publicKeyInfo)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
        nodeCrypto.publicKey(bytes)?.verify("ecdsa_secp256r1_sha256", content, bytes)
      }),
    )
    for (let at = 0; at < certificate.length; at++) {
      const changed = Uint8Array.from(certificate)
      changed[at]! ^= 0x41
      nodeCrypto.publicKey(changed)?.verify("ecdsa_secp256r1_sha256", content, certificate)
    }
  })
})

/** Of an odd number with so many bits, which nobody has the factors of. */
function rsaInfo(bits: number): Uint8Array {
  const modulus = new Uint8Array(1 + bits / 8).fill(0xff, 1)
  const key = sequence(der(Tag.integer, modulus), der(Tag.integer, Uint8Array.of(1, 0, 1)))
  return sequence(sequence(objectIdentifier("1.2.840.113549.1.1.1"), der(Tag.null)), bitString(key))
}
