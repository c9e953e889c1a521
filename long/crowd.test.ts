import assert from "node:assert/strict"
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { resolve } from "node:path"
import { after, before, describe, test } from "node:test"
import { setTimeout as pass } from "node:timers/promises"
import { cpuMs } from "../bench/process.ts"
import { Server } from "../e2e/harness.ts"

const CROWD = 5000
const BACK_WITHIN = 10_000
const SECRET = "a secret of this test, of 32 characters or more"

interface Arrival {
  readonly resumed: number
  readonly joined: number
}

describe(`${CROWD} people whose connections break at once`, () => {
  let server: Server
  let crowd: ChildProcess
  let trouble: string[]

  before(async () => {
    server = await Server.start(`--access.secret=${SECRET}`)
    trouble = []
    const url = `ws://127.0.0.1:${server.httpPort}/signal`
    crowd = fork(resolve(import.meta.dirname, "crowd.ts"), [url, String(CROWD), SECRET])
    crowd.on("message", (message: { trouble?: string }) => {
      if (message.trouble !== undefined) trouble.push(message.trouble)
    })
    await everybody()
  })
  after(async () => {
    crowd?.kill()
    await server?.stop()
  })

  /** Resolves when all of them are in. */
  async function everybody(): Promise<Arrival> {
    const ended = once(crowd, "exit").then(([code]) => assert.fail(`The crowd ended with ${code}.`))
    for (;;) {
      const [message] = (await Promise.race([once(crowd, "message"), ended])) as [Arrival & { all?: boolean }]
      if (message.all) return message
    }
  }

  test(`are back within ${BACK_WITHIN / 1000} s as who they were, and then need little`, async t => {
    const started = performance.now()
    const back = everybody()
    crowd.send({ drop: true })
    const { resumed, joined } = await back
    const took = performance.now() - started
    t.diagnostic(`all back in ${(took / 1000).toFixed(1)} s, ${resumed} resumed, ${joined} joined anew`)
    assert.deepEqual(trouble, [])
    assert.equal(resumed, CROWD)
    assert.ok(took <= BACK_WITHIN, `${took} ms`)
    const before = cpuMs(server.pid)
    await pass(10_000)
    const share = (cpuMs(server.pid) - before) / 10_000
    t.diagnostic(`then the server uses ${(100 * share).toFixed(0)} % of a core`)
    assert.ok(share < 0.8, `${(100 * share).toFixed(0)} %`)
  })

  test(`are back within ${BACK_WITHIN / 1000} s of the server's being started again`, async t => {
    await server.kill()
    const back = everybody()
    server = await server.restart()
    const started = performance.now()
    const { joined } = await back
    const took = performance.now() - started
    t.diagnostic(`all back in ${(took / 1000).toFixed(1)} s, ${joined} joined anew`)
    assert.deepEqual(trouble, [])
    assert.ok(took <= BACK_WITHIN, `${took} ms`)
  })
})
