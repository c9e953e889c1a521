import assert from "node:assert/strict"
import node from "node:crypto"
import { describe, test } from "node:test"
import { nodeCrypto } from "./node.ts"
import { agreeOnX25519 } from "./node-key-shares.ts"
import type { Group } from "./transport-crypto.ts"

const hex = (text: string) => Buffer.from(text, "hex")

/** Bytes of the share of whoever begins, of the answer, and of the secret. */
const LENGTHS: Readonly<Record<Group, readonly [number, number, number]>> = {
  X25519MLKEM768: [1216, 1120, 64],
  x25519: [32, 32, 32],
  secp256r1: [65, 65, 32],
  secp384r1: [97, 97, 48],
}
const hasMlKem = nodeCrypto.groups.includes("X25519MLKEM768")

describe("key shares", () => {
  test("are of the groups that this process can do, the hybrid first where there is one", () => {
    assert.deepEqual(nodeCrypto.groups.slice(hasMlKem ? 1 : 0), ["x25519", "secp256r1", "secp384r1"])
    assert.equal(nodeCrypto.groups[0], hasMlKem ? "X25519MLKEM768" : "x25519")
  })

  for (const group of nodeCrypto.groups) {
    const [first, second, secret] = LENGTHS[group]

    test(`of ${group}: both have one secret, another one each time`, () => {
      const ours = nodeCrypto.keyShare(group)
      assert.equal(ours.group, group)
      assert.equal(ours.public.length, first)
      const answer = nodeCrypto.encapsulate(group, ours.public)
      assert.ok(answer !== undefined)
      assert.equal(answer.public.length, second)
      assert.equal(answer.secret.length, secret)
      assert.deepEqual(new Uint8Array(ours.agree(answer.public)!), new Uint8Array(answer.secret))
      assert.notDeepEqual(nodeCrypto.encapsulate(group, ours.public)!.secret, answer.secret)
    })

    test(`of ${group}: another length is none of them`, () => {
      const ours = nodeCrypto.keyShare(group)
      const answer = nodeCrypto.encapsulate(group, ours.public)!.public
      for (const wrong of [new Uint8Array(0), answer.subarray(1), Buffer.concat([answer, Buffer.of(0)])])
        assert.equal(ours.agree(wrong), undefined)
      for (const wrong of [new Uint8Array(0), ours.public.subarray(1), Buffer.concat([ours.public, answer])])
        assert.equal(nodeCrypto.encapsulate(group, wrong), undefined)
    })
  }

  test("of x25519: the secret is RFC 7748 §6.1's", () => {
    const key = hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")
    const pkcs8 = Buffer.concat([hex("302e020100300506032b656e04220420"), key])
    const bob = node.createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" })
    const alice = hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
    assert.equal(
      Buffer.from(agreeOnX25519(bob, alice)!).toString("hex"),
      "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742",
    )
  })

  test("of x25519: one that makes a secret of zeros is refused", () => {
    // RFC 7748 §6.1: 0 and 1, and 2²⁵⁵ − 19, which is 0 again.
    for (const first of [0, 1]) {
      const small = new Uint8Array(32)
      small[0] = first
      assert.equal(nodeCrypto.encapsulate("x25519", small), undefined)
      assert.equal(nodeCrypto.keyShare("x25519").agree(small), undefined)
    }
    const prime = hex(`ed${"ff".repeat(30)}7f`)
    assert.equal(nodeCrypto.encapsulate("x25519", prime), undefined)
  })

  for (const group of ["secp256r1", "secp384r1"] as const)
    test(`of ${group}: a point off the curve, at infinity or compressed is refused`, () => {
      const ours = nodeCrypto.keyShare(group)
      const theirs = nodeCrypto.keyShare(group).public
      const off = Uint8Array.from(theirs)
      off[off.length - 1]! ^= 1
      const hybridForm = Uint8Array.from(theirs)
      hybridForm[0] = 6 + (theirs.at(-1)! & 1)
      const compressed = Buffer.concat([
        Buffer.of(2 + (theirs.at(-1)! & 1)),
        theirs.subarray(1, 1 + (theirs.length - 1) / 2),
      ])
      const zeros = new Uint8Array(theirs.length)
      zeros[0] = 4
      for (const wrong of [off, hybridForm, compressed, zeros, Buffer.of(0)]) {
        assert.equal(ours.agree(wrong), undefined)
        assert.equal(nodeCrypto.encapsulate(group, wrong), undefined)
      }
    })

  test("of the hybrid: ML-KEM comes first in share, answer and secret", { skip: !hasMlKem }, () => {
    const mlKem = node.generateKeyPairSync("ml-kem-768")
    const x25519 = node.generateKeyPairSync("x25519")
    const raw = (key: node.KeyObject, length: number) =>
      key.export({ type: "spki", format: "der" }).subarray(-length)
    const answer = nodeCrypto.encapsulate(
      "X25519MLKEM768",
      Buffer.concat([raw(mlKem.publicKey, 1184), raw(x25519.publicKey, 32)]),
    )
    assert.ok(answer !== undefined)
    const first = node.decapsulate(mlKem.privateKey, answer.public.subarray(0, 1088))
    const second = agreeOnX25519(x25519.privateKey, answer.public.subarray(1088))!
    assert.deepEqual(Buffer.from(answer.secret), Buffer.concat([first, second]))
  })

  test("of the hybrid: a key beyond the modulus is refused, and so are zeros of x25519", {
    skip: !hasMlKem,
  }, () => {
    const { public: share } = nodeCrypto.keyShare("X25519MLKEM768")
    // FIPS 203 §7.2: a coefficient of 4095 is none below 3329.
    const beyond = Uint8Array.from(share).fill(0xff, 0, 3)
    const zeros = Uint8Array.from(share).fill(0, 1184)
    assert.equal(nodeCrypto.encapsulate("X25519MLKEM768", beyond), undefined)
    assert.equal(nodeCrypto.encapsulate("X25519MLKEM768", zeros), undefined)
  })

  test("of the hybrid: an answer that was changed makes another secret", { skip: !hasMlKem }, () => {
    const ours = nodeCrypto.keyShare("X25519MLKEM768")
    const answer = nodeCrypto.encapsulate("X25519MLKEM768", ours.public)!
    const changed = Uint8Array.from(answer.public)
    changed[7]! ^= 1
    const secret = ours.agree(changed)
    assert.equal(secret?.length, 64)
    assert.notDeepEqual(Buffer.from(secret), Buffer.from(answer.secret))
  })
})
