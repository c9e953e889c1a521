import assert from "node:assert/strict"
import { fork } from "node:child_process"
import { resolve } from "node:path"
import { after, before, describe, test } from "node:test"
import { setTimeout as pass } from "node:timers/promises"
import { Server } from "../e2e/harness.ts"
import { candidateTo, Talker } from "../e2e/talker.ts"
import { issueToken } from "../packages/server/src/signaling/tokens.ts"
import type { Mode } from "./abuser.ts"

const SECRET = "a secret of this test, of 32 characters or more"

/** How often it is quiet and then not, and for how long, ms: a busy machine is so in both. */
const WINDOWS = 6
const WINDOW = 1000

/** People in the other room, and how often one of them says something, ms: each within what one may say. */
const TALKERS = 8
const EVERY = 4

describe("One client that harms", () => {
  let server: Server
  let url: string
  let talkers: Talker[]

  before(async () => {
    process.env.TIGHTBEAM__ACCESS__SECRET = SECRET
    server = await Server.start()
    delete process.env.TIGHTBEAM__ACCESS__SECRET
    url = `ws://127.0.0.1:${server.httpPort}/signal`
    talkers = Array.from({ length: TALKERS }, (_, i) => new Talker(url, `127.0.4.${1 + i}`))
    const secret = new TextEncoder().encode(SECRET)
    for (const talker of talkers)
      await talker.join("quiet", await issueToken({ room: "quiet", ttl: 60 }, secret))
    for (let i = 0; i < TALKERS; i += 2) talkers[i]!.meet(talkers[i + 1]!)
  })
  after(async () => {
    for (const talker of talkers ?? []) talker.end()
    await server?.stop()
  })

  /** How long they wait for each other's messages in a window, ms. */
  async function latencies(): Promise<number[]> {
    for (const talker of talkers) talker.latencies = []
    const end = performance.now() + WINDOW
    for (let i = 0; performance.now() < end; i++) {
      const talker = talkers[i % TALKERS]!
      talker.say(candidateTo(talker.partner))
      await pass(EVERY)
    }
    return talkers.flatMap(({ latencies }) => latencies)
  }

  for (const [mode, what, codes] of [
    ["flood", "10,000 messages a second", [4000, 4029]],
    ["huge", "messages of 1 MB", [1009]],
    ["deaf", "reading nothing", [4008, 1006]],
  ] as const satisfies readonly [Mode, string, readonly number[]][])
    test(`${what}: it is thrown out, and another room's messages take no longer`, async t => {
      const abuser = fork(resolve(import.meta.dirname, "abuser.ts"), [url, mode, SECRET])
      t.after(() => abuser.kill())
      const closed = new Set<number>()
      abuser.on("message", (message: { closed: number }) => closed.add(message.closed))
      await latencies()
      const quiet: number[] = []
      const harmed: number[] = []
      for (let i = 0; i < WINDOWS; i++) {
        abuser.send({ on: true })
        harmed.push(...(await latencies()))
        abuser.send({ on: false })
        quiet.push(...(await latencies()))
      }
      const [idle, harm] = [percentile(quiet, 0.99), percentile(harmed, 0.99)]
      t.diagnostic(
        `p99 ${idle.toFixed(1)} ms when quiet, ${harm.toFixed(1)} ms meanwhile; closed with ${[...closed].join(", ")}`,
      )
      assert.ok(harmed.length > (0.5 * WINDOWS * WINDOW) / EVERY, "messages went through")
      assert.ok(
        codes.some(code => closed.has(code)),
        `closed with ${[...closed].join(", ")}`,
      )
      assert.ok(harm <= 2 * idle, `${harm} ms > 2 × ${idle} ms`)
    })
})

function percentile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * share)]!
}
