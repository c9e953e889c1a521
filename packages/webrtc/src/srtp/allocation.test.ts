import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { chooseCiphers } from "@tightbeam/webrtc/crypto/ciphers"
import { SRTP_PROFILES, type SrtpProfile } from "../crypto/index.ts"
import { SrtpReceiver, SrtpSender } from "./index.ts"

const { ciphers, why } = chooseCiphers("auto")
const BATCH = 200
const SLOT = 1_300
const BYTES = 1_200
/** Of a batch: what looking costs, and a number here and there. */
const ALLOWED = 16 * BATCH

describe("SRTP's packet path with native calls", { skip: why ?? false }, () => {
  for (const profile of Object.keys(SRTP_PROFILES) as SrtpProfile[])
    test(`${profile} allocates nothing for a packet, once it is compiled`, () => {
      const { key, salt } = SRTP_PROFILES[profile]
      const master = { key: new Uint8Array(key), salt: new Uint8Array(salt) }
      const sender = new SrtpSender(ciphers, master, profile, { cryptex: true })
      const receiver = new SrtpReceiver(ciphers, master, profile, { cryptex: "accept" })
      const slab = new Uint8Array(BATCH * SLOT)
      let sequence = 0
      const batch = () => {
        for (let at = 0; at < slab.length; at += SLOT) {
          sequence = (sequence + 1) & 0xffff
          slab[at] = 0x80
          slab[at + 2] = sequence >>> 8
          slab[at + 3] = sequence
          const length = sender.protect(slab, at, BYTES)
          if (receiver.unprotect(slab, at, length) !== BYTES) throw new Error("a packet was lost")
        }
      }
      // A collection in one of them says nothing, and the compiler takes the time that the machine leaves it.
      const grown = () => {
        const before = process.memoryUsage().heapUsed
        batch()
        return process.memoryUsage().heapUsed - before
      }
      let median = Number.POSITIVE_INFINITY
      for (let tries = 0; tries < 40 && median >= ALLOWED; tries++)
        median = Array.from({ length: 51 }, grown).sort((a, b) => a - b)[25]!
      assert.ok(median < ALLOWED, `${median} bytes for ${BATCH} packets, there and back`)
    })
})
