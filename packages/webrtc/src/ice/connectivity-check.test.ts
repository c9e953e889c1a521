import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import { Attribute, hasValidFingerprint, hasValidIntegrity, StunWriter } from "../stun/index.ts"
import {
  checkLength,
  claimedRole,
  localUfragOf,
  nominationOf,
  UNDERSTOOD,
  writeCheck,
} from "./connectivity-check.ts"
import { shortTermKey } from "./credentials.ts"
import { parsed, utf8 } from "./testing/peer.ts"

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replace(/\s/g, ""), "hex"))

/** RFC 5769 §2.1, which is a check. */
const SAMPLE = hex(`
  00010058 2112a442 b7e7a701bc34d686fa87dfae
  80220010 5354554e207465737420636c69656e74
  00240004 6e0001ff
  80290008 932ff9b151263b36
  00060009 6576746a3a68367659202020
  00080014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2
  80280004 e57a3bcf`)
const KEY = shortTermKey(nodeCrypto, "VOkJxbRl1RmTxUk/WvJxBt")

describe("a connectivity check", () => {
  test("of RFC 5769 §2.1 is read", () => {
    const message = parsed(SAMPLE)
    assert.equal(localUfragOf(message), "evtj")
    assert.equal(message.uint32(Attribute.priority), 0x6e0001ff)
    assert.deepEqual(claimedRole(message), { role: "controlled", tieBreaker: hex("932ff9b151263b36") })
    assert.equal(nominationOf(message), -1)
    assert.ok(hasValidIntegrity(message, KEY) && hasValidFingerprint(message))
    assert.equal(message.hasUnknownAttributes(UNDERSTOOD), false)
  })

  test("as we write it says the same, and fits what is reserved for it", () => {
    const check = {
      id: hex("b7e7a701bc34d686fa87dfae"),
      username: utf8("evtj:h6vY"),
      priority: 0x6e0001ff,
      role: "controlled",
      tieBreaker: hex("932ff9b151263b36"),
      isNominating: true,
      nomination: 3,
      key: KEY,
    } as const
    const bytes = new Uint8Array(200)
    const length = writeCheck(new StunWriter(), bytes, 0, check)
    assert.equal(length, checkLength(check))
    const message = parsed(bytes.slice(0, length))
    assert.equal(localUfragOf(message), "evtj")
    assert.equal(message.uint32(Attribute.priority), 0x6e0001ff)
    assert.equal(nominationOf(message), 3)
    assert.ok(hasValidIntegrity(message, KEY) && hasValidFingerprint(message))
  })
})
