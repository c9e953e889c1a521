/** SRTP's packets by the forms of the ciphers: a process that does what its parent sends, and answers with the cost. */
import { createCipheriv, createDecipheriv, createHmac, createSecretKey } from "node:crypto"
import { type Ciphers, SRTP_PROFILES } from "@tightbeam/webrtc/crypto"
import { chooseCiphers } from "@tightbeam/webrtc/crypto/ciphers"
import { faultName, SrtpReceiver, SrtpSender } from "@tightbeam/webrtc/srtp"
import { BATCH, type Cost, type Form, type Run } from "./srtp-contender.ts"

/** As in srtp-peer.c: who waited while others worked has cold caches. */
const WARM_UP = 2 * BATCH
const SLOT = 2048
const HEADER = 12
const slab = new Uint8Array(BATCH * SLOT)

const runs: Readonly<Record<Form, (run: Run) => Cost>> = {
  native: run => ours(chooseCiphers("auto").ciphers, run),
  node: run => ours(chooseCiphers("off").ciphers, run),
  bare,
}
process.on("message", ({ form, run }: { form: Form; run: Run }) => process.send!(runs[form](run)))

function ours(ciphers: Ciphers, { profile, bytes, packets }: Run): Cost {
  const { key, salt } = SRTP_PROFILES[profile]
  const master = { key: new Uint8Array(key).fill(7), salt: new Uint8Array(salt).fill(7) }
  const sender = new SrtpSender(ciphers, master, profile)
  const receiver = new SrtpReceiver(ciphers, master, profile)
  const cost = alternate(packets, {
    protect(at) {
      const length = sender.protect(slab, at, bytes)
      if (length < 0) throw new Error(faultName(length))
    },
    unprotect(at) {
      const length = receiver.unprotect(slab, at, bytes + sender.overhead)
      if (length < 0) throw new Error(faultName(length))
    },
  })
  sender.close()
  receiver.close()
  return cost
}

/** What nobody can be below who uses node:crypto: the calls alone, and nothing done with what they return. */
function bare({ profile, bytes, packets }: Run): Cost {
  const key = createSecretKey(new Uint8Array(SRTP_PROFILES[profile].key).fill(7))
  const sealed: Uint8Array[] = []
  const tags: Uint8Array[] = []
  const body = (at: number) => slab.subarray(at + HEADER, at + bytes)
  if (profile.startsWith("AEAD")) {
    const algorithm = profile === "AEAD_AES_128_GCM" ? "aes-128-gcm" : "aes-256-gcm"
    const nonce = new Uint8Array(12)
    return alternate(packets, {
      protect(at, i) {
        const cipher = createCipheriv(algorithm, key, nonce)
        cipher.setAAD(slab.subarray(at, at + HEADER))
        sealed[i] = cipher.update(body(at))
        cipher.final()
        tags[i] = cipher.getAuthTag()
      },
      unprotect(at, i) {
        const decipher = createDecipheriv(algorithm, key, nonce)
        decipher.setAAD(slab.subarray(at, at + HEADER))
        decipher.setAuthTag(tags[i]!)
        decipher.update(sealed[i]!)
        decipher.final()
      },
    })
  }
  const iv = new Uint8Array(16)
  const each = (at: number) => {
    createCipheriv("aes-128-ctr", key, iv).update(body(at))
    createHmac("sha1", key)
      .update(slab.subarray(at, at + bytes))
      .digest()
  }
  return alternate(packets, { protect: each, unprotect: each })
}

interface Work {
  protect(at: number, i: number): void
  unprotect(at: number, i: number): void
}

/** Batches of packets whose sequence numbers go on; what is protected is what the last batch left there. */
function alternate(packets: number, work: Work): Cost {
  let sequence = 0
  let protecting = 0
  let unprotecting = 0
  for (let done = -WARM_UP; done < packets; done += BATCH) {
    for (let i = 0; i < BATCH; i++) {
      const at = SLOT * i
      sequence = (sequence + 1) & 0xffff
      slab.set([0x80, 96, sequence >> 8, sequence, 0, 0, 0, 0, 1, 2, 3, 4], at)
    }
    const start = process.cpuUsage()
    for (let i = 0; i < BATCH; i++) work.protect(SLOT * i, i)
    const middle = process.cpuUsage()
    for (let i = 0; i < BATCH; i++) work.unprotect(SLOT * i, i)
    const end = process.cpuUsage()
    if (done < 0) continue
    protecting += middle.user + middle.system - start.user - start.system
    unprotecting += end.user + end.system - middle.user - middle.system
  }
  return { protect: protecting / packets, unprotect: unprotecting / packets }
}
