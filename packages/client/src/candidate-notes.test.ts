import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { CandidateNotes } from "./candidate-notes.ts"
import { TimelineRecorder } from "./timeline-recorder.ts"

const HOST = "candidate:1 1 udp 1 192.0.2.1 5000 typ host"

function notes(relayOnly = false) {
  const recorder = new TimelineRecorder(
    "ben",
    () => 0,
    () => {},
  )
  const it = new CandidateNotes(recorder, () => "Ben", relayOnly)
  return { it, recorder, phase: () => recorder.timeline().phases.find(({ name }) => name === "candidates")! }
}

describe("CandidateNotes", () => {
  test("count both sides, and are done when ours are complete and theirs have begun to come", () => {
    const { it, phase } = notes()
    it.gathering("gathering")
    it.local(HOST)
    assert.equal(phase().note, "1 of ours, 0 of theirs")
    it.gathering("complete")
    assert.equal(phase().status, "active")
    it.remote(HOST)
    assert.equal(phase().status, "done")
  })

  test("say what is wrong when the relay alone is allowed and gives nothing", () => {
    const { it, recorder, phase } = notes(true)
    it.gathering("gathering")
    it.gathering("complete")
    assert.equal(phase().status, "failed")
    assert.match(phase().note, /Only the relay is allowed, and it gave you no address/)
    assert.equal(recorder.timeline().status, "failed")
  })

  test("say what is wrong when the other side has nothing to offer", () => {
    const { it, phase } = notes()
    it.local(HOST)
    it.remote("")
    assert.equal(phase().status, "failed")
    assert.match(phase().note, /No address of Ben arrived/)
  })

  test("do not take the end of a later gathering for a failure of a path that works", () => {
    const { it, recorder, phase } = notes()
    it.local(HOST)
    it.remote(HOST)
    it.gathering("complete")
    recorder.begin("checks", "a pair that answers")
    recorder.done("checks", "found")
    it.reset()
    it.gathering("complete")
    assert.equal(phase().status, "done")
  })
})
