import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { TimelineRecorder } from "./timeline-recorder.ts"

function recorder() {
  let now = 1000
  let changes = 0
  const it = new TimelineRecorder(
    "ben",
    () => now,
    () => changes++,
  )
  return {
    it,
    at: (ms: number) => {
      now = ms
      return it
    },
    changes: () => changes,
    phase: (name: string) => it.timeline().phases.find(each => each.name === name)!,
  }
}

describe("TimelineRecorder", () => {
  test("keeps what each phase waits for, when it began, and what it took", () => {
    const { it, at, phase } = recorder()
    it.begin("checks", "a pair that answers")
    assert.deepEqual(
      { status: phase("checks").status, note: phase("checks").note, startedAt: phase("checks").startedAt },
      { status: "active", note: "a pair that answers", startedAt: 1000 },
    )
    at(1250).done("checks", "a path is found")
    assert.equal(phase("checks").endedAt, 1250)
    assert.equal(phase("security").status, "waiting")
  })

  test("a done phase that begins again is recovering, and its first success stays what it took", () => {
    const { at, it, phase } = recorder()
    it.begin("checks", "x")
    at(1100).done("checks", "y")
    at(9000).begin("checks", "the path to answer again")
    assert.equal(phase("checks").status, "recovering")
    assert.equal(it.timeline().status, "recovering")
    at(9500).done("checks", "again")
    assert.deepEqual([phase("checks").startedAt, phase("checks").endedAt], [1000, 1100])
    at(9600).fail("checks", "z")
    at(9700).begin("checks", "the path to answer again")
    assert.equal(phase("checks").status, "recovering")
    at(9800).done("checks", "again")
    assert.deepEqual([phase("checks").startedAt, phase("checks").endedAt], [1000, 1100])
  })

  test("a phase that first failed took until it was done", () => {
    const { at, it, phase } = recorder()
    it.begin("checks", "x")
    at(2000).fail("checks", "y")
    at(3000).begin("checks", "x")
    assert.equal(phase("checks").status, "active")
    at(4000).done("checks", "z")
    assert.equal(phase("checks").endedAt, 4000)
  })

  test("a new connection begins again, but for the signaling", () => {
    const { at, it, phase } = recorder()
    it.done("signaling", "x")
    it.done("checks", "x")
    at(5000).restart("A new path is needed.")
    it.begin("checks", "y")
    assert.deepEqual([phase("checks").status, phase("checks").startedAt], ["active", 5000])
    assert.equal(phase("signaling").endedAt, 1000)
  })

  test("a failure names itself on the phase that broke and on the whole", () => {
    const { it, phase } = recorder()
    it.fail("security", "The DTLS handshake failed.")
    assert.equal(it.timeline().status, "failed")
    assert.equal(phase("security").events.at(-1)?.text, "The DTLS handshake failed.")
  })

  test("gives the same object until something changes, and says when it does", () => {
    const { it, changes } = recorder()
    const first = it.timeline()
    assert.equal(it.timeline(), first)
    const before = changes()
    it.path(undefined, undefined)
    assert.equal(changes(), before)
    it.event("checks", "note", "something")
    assert.equal(changes(), before + 1)
    assert.notEqual(it.timeline(), first)
  })

  test("keeps the last 100 events of a phase", () => {
    const { it, phase } = recorder()
    for (let i = 0; i < 150; i++) it.event("candidates", "local", String(i))
    assert.equal(phase("candidates").events.length, 100)
    assert.equal(phase("candidates").events.at(-1)?.text, "149")
  })
})
