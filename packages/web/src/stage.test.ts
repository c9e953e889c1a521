import assert from "node:assert/strict"
import { test } from "node:test"
import { signal } from "@preact/signals"
import type { RemoteParticipant, RemotePublication, RoomSnapshot } from "@tightbeam/client"
import { EMPTY_FLOOR, passFloor } from "./floor.ts"
import { FakeRoom } from "./gallery/fake-room.ts"
import { timelineAt } from "./gallery/fake-timeline.ts"
import type { hear } from "./loudness.ts"
import { findPinned, pinOf, renewed } from "./pin.ts"
import { LARGE_ROOM, planStage } from "./stage-plan.ts"
import { Voices } from "./voices.ts"

const track = () => ({}) as MediaStreamTrack

function publication(participant: string, source: "camera" | "microphone" | "screen", id: string) {
  const kind = source === "microphone" ? "audio" : "video"
  return { id, kind, source, muted: false, participant, track: track() } as RemotePublication
}

function person(id: string, name: string, ...publications: RemotePublication[]): RemoteParticipant {
  return { id, name, away: false, host: false, hand: null, publications, timeline: timelineAt(id, "end") }
}

test("a pin finds its person again by what they publish, whatever their new id and however many share their name", () => {
  const guests = [
    person("p1", "Guest", publication("p1", "camera", "camera-a")),
    person("p2", "Guest", publication("p2", "camera", "camera-b")),
  ]
  const pin = pinOf(guests[1]!, guests)
  assert.equal(findPinned(pin, guests)?.id, "p2")
  const later = [
    person("q1", "Guest", publication("q1", "camera", "camera-b")),
    person("q2", "Guest", publication("q2", "camera", "camera-a")),
  ]
  assert.equal(findPinned(pin, later)?.id, "q1")
})

test("who publishes nothing is found by a name that only they have, and by no other", () => {
  const [ben, ...guests] = [person("p1", "Ben"), person("p2", "Guest"), person("p3", "Guest")]
  const all = [ben, ...guests]
  assert.equal(findPinned(pinOf(ben, all), [person("q1", "Ben"), person("q2", "Guest")])?.id, "q1")
  assert.equal(findPinned(pinOf(ben, all), [person("q1", "Ben"), person("q2", "Ben")]), undefined)
  assert.equal(findPinned(pinOf(guests[0]!, all), [person("q1", "Guest")]), undefined)
})

test("a namesake who comes back first gives the pin up to who was meant", () => {
  const ben = person("p1", "Ben", publication("p1", "camera", "camera-a"))
  let pin = pinOf(ben, [ben])
  const namesake = person("q1", "Ben")
  pin = renewed(pin, [namesake])
  assert.equal(findPinned(pin, [namesake])?.id, "q1")
  const back = person("q2", "Ben", publication("q2", "camera", "camera-a"))
  pin = renewed(pin, [namesake, back])
  assert.equal(findPinned(pin, [namesake, back])?.id, "q2")
})

test("a pin remembers what its person publishes later", () => {
  const before = person("p1", "Guest")
  const other = person("p2", "Guest")
  let pin = pinOf(before, [before, other])
  pin = renewed(pin, [person("p1", "Guest", publication("p1", "camera", "camera-a")), other])
  pin = renewed(pin, [person("p1", "Guest"), other])
  assert.equal(
    findPinned(pin, [person("q5", "Guest", publication("q5", "camera", "camera-a")), other])?.id,
    "q5",
  )
})

test("the floor is taken by who speaks while its holder is silent, and not by a cough", () => {
  let floor = passFloor(EMPTY_FLOOR, new Set(["ben"]), 0)
  assert.equal(floor.holder, undefined)
  floor = passFloor(floor, new Set(["ben"]), 500)
  assert.equal(floor.holder, "ben")
  // Interrupted: Ben goes on.
  for (let now = 600; now < 5_000; now += 100) floor = passFloor(floor, new Set(["cyd", "ben"]), now)
  assert.equal(floor.holder, "ben")
  // Silence takes nothing away.
  floor = passFloor(floor, new Set(), 60_000)
  assert.equal(floor.holder, "ben")
  // A cough.
  floor = passFloor(floor, new Set(["cyd"]), 60_100)
  floor = passFloor(floor, new Set(), 60_300)
  floor = passFloor(floor, new Set(["cyd"]), 61_000)
  assert.equal(floor.holder, "ben")
  floor = passFloor(floor, new Set(["cyd"]), 61_500)
  assert.equal(floor.holder, "cyd")
})

test("voices are those of open microphones, and fall silent with them", () => {
  const ears = new Map<MediaStreamTrack, Parameters<typeof hear>[1]>()
  const listenTo: typeof hear = (heard, tell) => {
    ears.set(heard, tell)
    return () => ears.delete(heard)
  }
  const microphone = publication("p1", "microphone", "m")
  const room = new FakeRoom({ participants: [person("p1", "Ben", microphone)] })
  const snapshot = signal<RoomSnapshot>(room.snapshot())
  const voices = new Voices(snapshot, listenTo)
  const speak = (now: number) => ears.get(microphone.track!)!(0.3, now)
  speak(0)
  speak(600)
  assert.deepEqual([...voices.speaking.value], ["p1"])
  assert.equal(voices.floor.value, "p1")
  const muted = { ...microphone, muted: true }
  snapshot.value = { ...snapshot.value, participants: [person("p1", "Ben", muted)] }
  assert.equal(ears.size, 0)
  assert.equal(voices.speaking.value.size, 0)
  assert.equal(voices.floor.value, "p1")
  voices.stop()
})

test("every shared screen has a tile, and everybody has one", () => {
  const ben = person("p1", "Ben", publication("p1", "screen", "s1"))
  const cyd = person("p2", "Cyd", publication("p2", "screen", "s2"))
  const { front, rest } = planStage([ben, cyd], undefined, undefined)
  assert.deepEqual(
    front.map(({ screen }) => screen?.id),
    ["s1", "s2"],
  )
  assert.deepEqual(
    rest.map(({ participant, screen }) => [participant.id, screen]),
    [
      ["p1", undefined],
      ["p2", undefined],
    ],
  )
})

test("whoever is pinned comes first, their screen before their face; what gives way keeps a tile", () => {
  const ben = person("p1", "Ben", publication("p1", "screen", "s1"))
  const cyd = person("p2", "Cyd")
  const dee = person("p3", "Dee", publication("p3", "screen", "s3"))
  const all = [ben, cyd, dee]
  assert.deepEqual(
    planStage(all, dee, undefined).front.map(({ screen }) => screen?.id),
    ["s3"],
  )
  const { front, rest } = planStage(all, cyd, undefined)
  assert.deepEqual(
    front.map(({ participant }) => participant.id),
    ["p2"],
  )
  assert.equal(rest.length, 4)
  // Of two people the other is large anyway.
  assert.deepEqual(planStage([cyd], cyd, undefined).front, [])
})

test("who has the floor comes to the front of a large room only", () => {
  const others = Array.from({ length: LARGE_ROOM - 1 }, (_, i) => person(`p${i}`, "Guest"))
  const front = (count: number) =>
    planStage(others.slice(0, count), undefined, "p2").front.map(({ participant }) => participant.id)
  assert.deepEqual(front(LARGE_ROOM - 1), ["p2"])
  assert.deepEqual(front(LARGE_ROOM - 2), [])
})
