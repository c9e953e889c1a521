import type { SrtpProfile } from "@tightbeam/webrtc/crypto"
import { chooseCiphers } from "@tightbeam/webrtc/crypto/ciphers"
import { compare, type Goal, median, type Row } from "./row.ts"
import { BATCH, type Cost, type SrtpContender, SrtpProcess } from "./srtp-contender.ts"
import { srtpPeer } from "./srtp-peer.ts"
import type { Options } from "./suite.ts"

const SIZES: readonly number[] = [100, 600, 1_200]
const PROFILES: readonly SrtpProfile[] = ["AEAD_AES_128_GCM", "AEAD_AES_256_GCM", "AES128_CM_HMAC_SHA1_80"]

/** What was promised of GCM, against libsrtp2 and against the bare calls. */
const NATIVE_GOALS: Readonly<Record<number, Goal>> = { 100: { ratioAtMost: 1.5 }, 1_200: { ratioAtMost: 1 } }
const NODE_GOAL: Goal = { ratioAtMost: 1.1 }

/** SRTP's packets by both forms of the ciphers, beside libsrtp2 and the bare calls of node:crypto, in alternating rounds. */
export async function srtpPackets({ quick, note }: Options): Promise<Row[]> {
  const { form, why } = chooseCiphers("auto")
  if (form === "node") note(`No native form of the ciphers: ${why}.`)
  const peer = await srtpPeer()
  const libsrtp = typeof peer === "string" ? undefined : peer
  if (typeof peer === "string") note(peer)
  const processes = [new SrtpProcess(), new SrtpProcess()] as const
  const native = form === "native" ? processes[0].contender("native form", "native") : undefined
  const node = processes[1].contender("node:crypto form", "node")
  const bare = processes[1].contender("bare node:crypto calls", "bare")
  const contenders = [native, libsrtp, node, bare].filter(contender => contender !== undefined)
  // Short runs and many of them: whatever else the machine does meanwhile, it does to all.
  const packets = BATCH * 4
  const rounds = quick ? 35 : 121
  const rows: Row[] = []
  try {
    // Code that has not run yet is not compiled; servers run for days.
    for (const profile of PROFILES)
      for (const contender of contenders)
        for (const bytes of SIZES) await contender.run({ profile, bytes, packets: 20 * BATCH })
    for (const profile of PROFILES)
      for (const bytes of SIZES) {
        const costs = new Map(contenders.map(contender => [contender, [] as Cost[]]))
        for (let round = 0; round < rounds; round++)
          for (const contender of round % 2 === 0 ? contenders : contenders.toReversed())
            costs.get(contender)!.push(await contender.run({ profile, bytes, packets }))
        for (const what of ["protect", "unprotect"] as const) {
          const cost = (contender: SrtpContender) => median(costs.get(contender)!.map(each => each[what]))
          const isJudged = what === "protect" && profile.startsWith("AEAD")
          const row = (contender: SrtpContender | undefined, to: SrtpContender | undefined, goal?: Goal) => {
            if (contender === undefined || to === undefined) return
            rows.push(
              compare({
                suite: "crypto",
                case: `SRTP ${profile}, ${bytes} B, ${contender.name}`,
                metric: `${what}, CPU per packet`,
                unit: "µs",
                value: cost(contender),
                peer: to.name,
                peerValue: cost(to),
                goal: isJudged ? goal : undefined,
              }),
            )
          }
          row(native, libsrtp, NATIVE_GOALS[bytes])
          row(node, libsrtp)
          row(node, bare, NODE_GOAL)
        }
      }
  } finally {
    for (const process of processes) await process.stop()
    await libsrtp?.remove()
  }
  return rows
}
