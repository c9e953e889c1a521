/**
 * A gigabyte and ten thousand small files, killed and resumed half-way, and what the call's sound notices of it. The
 * delay of sound: how long it waits in the receiver's jitter buffer, and half a round trip, second by second.
 */
import assert from "node:assert/strict"
import { createHash, randomFillSync } from "node:crypto"
import { once } from "node:events"
import { createWriteStream, mkdirSync, writeFileSync } from "node:fs"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, afterEach, before, beforeEach, describe, test } from "node:test"
import { setTimeout as pass } from "node:timers/promises"
import type { Browser } from "playwright-core"
import { acceptFiles, filesArrived, filesBecome, inFilesCall, MB, saved, sha256 } from "../e2e/files.ts"
import { killConnections, launchChromium, type Person, Server } from "../e2e/harness.ts"
import { percentile } from "../e2e/percentile.ts"

const LARGE = 1000 * MB
const SMALL = 10_000

/** How much later sound may come while files go, ms. */
const MOST_ADDED = 30

/** Seconds of calm that are compared with, before and after; and how long a call takes to come to rest first. */
const CALM = 20
const SETTLE = 40

interface Sound {
  readonly delay: number
  readonly emitted: number
  readonly roundTrip: number
}

/** Totals of the sound that a page receives. */
const soundOf = (person: Person): Promise<Sound> =>
  person.page.evaluate(async () => {
    const { madeConnections } = globalThis as unknown as { madeConnections: RTCPeerConnection[] }
    const totals = { delay: 0, emitted: 0, roundTrip: 0 }
    for (const connection of madeConnections.filter(each => each.connectionState === "connected"))
      (await connection.getStats()).forEach((each: Record<string, number | string | boolean>) => {
        if (each.type === "inbound-rtp" && each.kind === "audio") {
          totals.delay += Number(each.jitterBufferDelay)
          totals.emitted += Number(each.jitterBufferEmittedCount)
        } else if (each.type === "candidate-pair" && each.nominated === true)
          totals.roundTrip = Number(each.currentRoundTripTime ?? 0)
      })
    return totals
  })

/** The delay of each second, ms, until it is stopped. */
function listen(person: Person): { stop(): Promise<number[]> } {
  const delays: number[] = []
  let on = true
  const listening = (async () => {
    let before = await soundOf(person)
    for (;;) {
      await pass(1000)
      if (!on) return
      const now = await soundOf(person)
      // A connection that was replaced counts anew.
      if (now.emitted > before.emitted)
        delays.push(
          1000 * ((now.delay - before.delay) / (now.emitted - before.emitted)) + 500 * now.roundTrip,
        )
      before = now
    }
  })()
  return {
    stop: async () => {
      on = false
      await listening
      return delays
    },
  }
}

const p95 = (values: readonly number[]): number => percentile(values, 0.95)

/** The files of an archive without compression, by name: their SHA-256 (APPNOTE.TXT §4.3). */
function unzipped(zip: Buffer): Map<string, string> {
  const hashes = new Map<string, string>()
  const end = zip.lastIndexOf("PK\u0005\u0006")
  let at = zip.readUInt32LE(end + 16)
  for (let i = zip.readUInt16LE(end + 10); i > 0; i--) {
    const [name, extra, comment] = [28, 30, 32].map(offset => zip.readUInt16LE(at + offset)) as [
      number,
      number,
      number,
    ]
    const size = zip.readUInt32LE(at + 24)
    const local = zip.readUInt32LE(at + 42)
    const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28)
    const bytes = zip.subarray(start, start + size)
    hashes.set(
      zip.toString("utf8", at + 46, at + 46 + name),
      createHash("sha256").update(bytes).digest("hex"),
    )
    at += 46 + name + extra + comment
  }
  return hashes
}

/** How long one of them may take, on a machine that has other things to do, ms. */
const PATIENCE = 900_000

describe("Large and many", { timeout: 4 * PATIENCE }, () => {
  let server: Server
  let browser: Browser
  let ada: Person
  let ben: Person
  let folder: string

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "tightbeam-files-"))
    server = await Server.start()
    browser = await launchChromium()
  })
  /** Pages of their own for each test: a browser gives those in a private window only so much space. */
  beforeEach(async () => {
    ;[ada, ben] = await inFilesCall(browser, server)
  })
  afterEach(async () => {
    for (const person of [ada, ben]) await person?.close()
  })
  after(async () => {
    await browser?.close()
    await server?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const large = () => join(folder, "large.bin")

  test("files on disk", async () => {
    const stream = createWriteStream(large())
    const block = Buffer.alloc(10 * MB)
    for (let i = 0; i < LARGE / block.length; i++) {
      randomFillSync(block)
      if (!stream.write(Buffer.from(block))) await once(stream, "drain")
    }
    stream.end()
    await once(stream, "finish")
    mkdirSync(join(folder, "small"))
    for (let i = 0; i < SMALL; i++)
      writeFileSync(join(folder, "small", `${i}.txt`), randomFillSync(Buffer.alloc(i % 2000)))
  })

  test(`a gigabyte delays the call's sound by ${MOST_ADDED} ms at most`, { timeout: PATIENCE }, async t => {
    await pass(SETTLE * 1000)
    const calm = listen(ben)
    await pass(CALM * 1000)
    const before = await calm.stop()
    await ada.at("file-input").setInputFiles(large())
    await acceptFiles(ben)
    await filesArrived(ben, 1)
    const busy = listen(ben)
    const started = performance.now()
    await filesBecome(ben, "done")
    const seconds = (performance.now() - started) / 1000
    const during = await busy.stop()
    const rest = listen(ben)
    await pass(CALM * 1000)
    const later = await rest.stop()
    t.diagnostic(`${(LARGE / MB / seconds).toFixed(1)} MB/s over ${seconds.toFixed(0)} s`)
    for (const [when, delays] of Object.entries({ before, during, later }))
      t.diagnostic(
        `delay of sound ${when}: p50 ${percentile(delays, 0.5).toFixed(1)} ms, p95 ${p95(delays).toFixed(1)} ms, of ${delays.length} seconds`,
      )
    const { path } = await saved(ben)
    assert.equal(await sha256(path), await sha256(large()))
    assert.ok(p95(during) - p95([...before, ...later]) <= MOST_ADDED)
  })

  test("a gigabyte goes on where it was when the connection, and then the server, die", {
    timeout: PATIENCE,
  }, async t => {
    await ada.at("file-input").setInputFiles(large())
    await acceptFiles(ben)
    const started = performance.now()
    await filesArrived(ben, 0.3 * LARGE)
    await killConnections(ada)
    await filesArrived(ben, 0.6 * LARGE)
    await server.kill()
    server = await server.restart()
    for (const person of [ben, ada]) await filesBecome(person, "done")
    t.diagnostic(`${((performance.now() - started) / 1000).toFixed(0)} s with both interruptions`)
    const { path } = await saved(ben)
    assert.equal(await sha256(path), await sha256(large()))
    for (const person of [ada, ben])
      await person.until("the other to be back", async () => (await person.otherTile.count()) === 1)
  })

  test(`${SMALL.toLocaleString()} small ones arrive as one archive, interrupted half-way`, {
    timeout: PATIENCE,
  }, async t => {
    const paths = Array.from({ length: SMALL }, (_, i) => join(folder, "small", `${i}.txt`))
    await ada.at("file-input").setInputFiles(paths)
    await acceptFiles(ben)
    const started = performance.now()
    await filesArrived(ben, 4 * MB)
    await killConnections(ada)
    for (const person of [ben, ada]) await filesBecome(person, "done")
    t.diagnostic(`${((performance.now() - started) / 1000).toFixed(1)} s with the interruption`)
    const hashes = unzipped(await readFile((await saved(ben)).path))
    assert.equal(hashes.size, SMALL)
    for (const path of paths) {
      const name = path.slice(path.lastIndexOf("/") + 1)
      assert.equal(hashes.get(name), await sha256(path), name)
    }
    assert.deepEqual([...ada.errors, ...ben.errors], [])
  })
})
