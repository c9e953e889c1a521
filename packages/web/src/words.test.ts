import assert from "node:assert/strict"
import { test } from "node:test"
import type { SelectedPath } from "@tightbeam/client"
import { formatDuration, secondsLeft } from "./duration.ts"
import { timelineAt } from "./gallery/fake-timeline.ts"
import { initials, tint } from "./initials.ts"
import { connectionSentence, pathChip, pathSentence, securitySentence } from "./path-words.ts"
import { connectDuration, lightOf, overallLights } from "./phases.ts"

test("durations read as people say them", () => {
  const said = [0.2, 12.4, 999.4, 999.6, 1_234, 9_960, 59_400, 59_700, 65_000, 3_600_000, 7_260_000]
  assert.deepEqual(said.map(formatDuration), [
    "<1 ms",
    "12 ms",
    "999 ms",
    "1.0 s",
    "1.2 s",
    "10 s",
    "59 s",
    "1 min",
    "1 min 5 s",
    "1 h",
    "2 h 1 min",
  ])
})

test("a countdown never goes below zero", () => {
  assert.equal(secondsLeft(5_200, 1_000), 5)
  assert.equal(secondsLeft(1_000, 5_000), 0)
})

const direct: SelectedPath = {
  route: "direct",
  over: "UDP",
  local: { type: "host", protocol: "udp", address: "" },
  remote: { type: "host", protocol: "udp", address: "" },
  roundTripTime: 12.3,
}

test("a path is said in a sentence and in a chip", () => {
  assert.equal(pathSentence("Ben", direct), "You and Ben are connected directly over UDP, 12 ms round trip.")
  assert.deepEqual(pathChip(direct), ["Direct", "UDP", "12 ms"])
  const relayed: SelectedPath = { ...direct, route: "relayed", roundTripTime: undefined }
  assert.equal(pathSentence("Ben", relayed), "Relayed: this goes through the server’s relay over UDP.")
  assert.deepEqual(pathChip(relayed), ["Relayed", "UDP"])
  assert.match(pathSentence("Ben", { ...relayed, over: "TLS" }), /over TLS\. UDP would be quicker/)
})

test("who can read it is said, and that a relay cannot", () => {
  assert.equal(
    securitySentence("DTLS 1.3, AES-128-GCM", direct),
    "Encrypted from end to end: DTLS 1.3, AES-128-GCM.",
  )
  assert.match(securitySentence("DTLS 1.3", { ...direct, route: "relayed" }), /cannot read it/)
})

test("a connection as a whole is said in a sentence", () => {
  assert.equal(connectionSentence("Ben", timelineAt("p", "checks")), "Connecting to Ben.")
  assert.equal(
    connectionSentence("Ben", timelineAt("p", "offer-answer", "failed", "No answer.")),
    "Not connected to Ben: it broke at offer and answer.",
  )
  assert.match(connectionSentence("Ben", timelineAt("p", "end")), /^You and Ben are connected directly/)
})

test("a bead turns amber when its phase takes long", () => {
  const now = performance.now()
  const checks = timelineAt("p", "checks").phases[3]!
  assert.equal(lightOf({ ...checks, startedAt: now - 1_000 }, now), "active")
  assert.equal(lightOf({ ...checks, startedAt: now - 3_000 }, now), "slow")
  assert.equal(lightOf({ ...checks, status: "failed" }, now), "broken")
  assert.equal(lightOf({ ...checks, status: "recovering" }, now), "slow")
})

test("the header shows the worst of each phase; alone, only the way to the server", () => {
  const room = {
    state: { status: "connected" },
    room: "r",
    self: { id: "a", name: "A", host: false, hand: null },
    lobby: undefined,
    publications: [],
    participants: [],
    signaling: { startedAt: 0, endedAt: 1 },
  } as const
  assert.deepEqual(overallLights(room, 1), ["lit", "dark", "dark", "dark", "dark", "dark"])
  const person = { id: "b", name: "B", away: false, host: false, hand: null, publications: [] }
  const participants = [
    { ...person, timeline: timelineAt("b", "end") },
    { ...person, timeline: timelineAt("c", "checks", "failed") },
  ]
  assert.deepEqual(overallLights({ ...room, participants }, 1), [
    "lit",
    "lit",
    "lit",
    "broken",
    "dark",
    "dark",
  ])
  const cut = { ...room, participants: participants.slice(0, 1), state: { status: "reconnecting" } } as const
  assert.deepEqual(overallLights(cut, 1), ["slow", "lit", "lit", "lit", "lit", "lit"])
})

test("the whole is from the first beginning to the last end", () => {
  assert.equal(Math.round(connectDuration(timelineAt("p", "end"))!), 213)
  assert.equal(connectDuration(timelineAt("p", "checks")), undefined)
})

test("initials keep whole graphemes and survive anything", () => {
  const names = ["Ada Lovelace", "ben", "  ", "نور الهدى", "👩🏽‍🚀 Zoë", "(Jo) [x] Ko", "é", "!!"]
  assert.deepEqual(names.map(initials), ["AL", "B", "?", "نا", "👩🏽‍🚀Z", "JK", "É", "?"])
})

test("a tint is stable and in range", () => {
  for (const id of ["", "p1", "a-long-participant-id", "👩🏽‍🚀"]) {
    assert.equal(tint(id, 6), tint(id, 6))
    assert.ok(tint(id, 6) >= 0 && tint(id, 6) < 6)
  }
})
