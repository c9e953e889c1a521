/** One client that harms, and people in another room, who should not notice. */
import assert from "node:assert/strict"
import { fork } from "node:child_process"
import { resolve } from "node:path"
import { after, before, test } from "node:test"
import { setTimeout as pass } from "node:timers/promises"
import { issueToken } from "../packages/server/src/signaling/tokens.ts"
import type { Mode } from "./abuser.ts"
import { Server } from "./harness.ts"
import { percentile } from "./percentile.ts"
import { candidateTo, Talker } from "./talker.ts"

const SECRET = "a secret of this test, of 32 characters or more"

/** How long it is not quiet, and then quiet, ms: a machine that is busy meanwhile is so in both. */
const WINDOW = 1000

/** People in the other room, and how often one of them says something, ms: each within what one may say. */
const TALKERS = 8
const EVERY = 4

/** How often it may be not quiet and then quiet until it is thrown out: who reads nothing is given some seconds. */
const PAIRS_MOST = 8

interface Options {
  /** How often it is not quiet, and then quiet, at least. */
  readonly pairs: number
  /** How many times longer than when it is quiet the others may wait, at the 99th percentile. */
  readonly bound: number
}

export function hostileClients({ pairs, bound }: Options): void {
  let server: Server
  let url: string
  let talkers: Talker[]

  before(async () => {
    server = await Server.start(`--access.secret=${SECRET}`)
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
    const all = talkers.flatMap(({ latencies }) => latencies)
    assert.ok(all.length > (0.5 * WINDOW) / EVERY, "messages go through")
    return all
  }

  for (const [mode, what, code] of [
    ["flood", "10,000 messages a second", 4029],
    ["huge", "messages of 1 MB", 1009],
    ["deaf", "reading nothing", "away"],
  ] as const satisfies readonly [Mode, string, number | string][])
    test(`${what}: it is thrown out, and messages of another room go on`, async t => {
      const abuser = fork(resolve(import.meta.dirname, "abuser.ts"), [url, mode, SECRET])
      t.after(() => abuser.kill())
      const closed = new Set<number | string>()
      abuser.on("message", (message: { closed: number | string }) => closed.add(message.closed))
      const harmed: number[] = []
      const quiet: number[] = []
      for (let i = 0; i < pairs || (!closed.has(code) && i < PAIRS_MOST); i++) {
        abuser.send({ on: true })
        const meanwhile = percentile(await latencies(), 0.99)
        abuser.send({ on: false })
        const after = percentile(await latencies(), 0.99)
        // The first pair is for everything to be compiled.
        if (i === 0) continue
        harmed.push(meanwhile)
        quiet.push(after)
      }
      // Of the windows the one in the middle: a machine stumbles now and then for reasons of its own.
      const [harm, idle] = [percentile(harmed, 0.5), percentile(quiet, 0.5)]
      t.diagnostic(`p99 ${harm.toFixed(1)} ms, and ${idle.toFixed(1)} ms when quiet`)
      assert.ok(closed.has(code), `closed with ${[...closed].join(", ")}, not ${code}`)
      assert.ok(harm <= bound * idle, `p99 is ${harm} ms, and ${idle} ms when quiet`)
    })
}
