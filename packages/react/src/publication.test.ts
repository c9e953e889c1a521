import assert from "node:assert/strict"
import { test } from "node:test"
import type { LocalPublication, Room } from "@tightbeam/client"
import { Switching } from "./switching.ts"

/** A room with what it publishes, made by whom it may. */
function setup() {
  const publications: { id: string; source: string; muted: boolean }[] = []
  const make = (source: string) => {
    const publication = {
      id: `${source}-${publications.length}`,
      source,
      muted: false,
      mute: async () => void (publication.muted = true),
      unmute: async () => void (publication.muted = false),
      unpublish: async () => void publications.splice(publications.indexOf(publication), 1),
      switch: async (deviceId: string) => void (publication.id += deviceId),
    }
    publications.push(publication)
    return publication as unknown as LocalPublication
  }
  const room = {
    snapshot: () => ({ publications }),
    publication: (id: string) => publications.find(each => each.id === id),
    publish: async (source: string) => make(source),
  } as unknown as Room
  return { room, publications, make }
}

test("what was published before the component was there is switched, not published again", async () => {
  const { room, publications, make } = setup()
  make("microphone")
  const microphone = new Switching(room, "microphone")
  await microphone.toggle()
  assert.deepEqual(
    publications.map(({ muted }) => muted),
    [true],
  )
  await microphone.toggle()
  assert.deepEqual(
    publications.map(({ muted }) => muted),
    [false],
  )
  await microphone.choose("b")
  assert.deepEqual(
    publications.map(({ id }) => id),
    ["microphone-0b"],
  )
})

test("two components switch one and the same; a screen is taken back", async () => {
  const { room, publications } = setup()
  const [one, other] = [new Switching(room, "camera"), new Switching(room, "camera")]
  await one.toggle()
  await other.toggle()
  assert.deepEqual(
    publications.map(({ muted }) => muted),
    [true],
  )
  await new Switching(room, "screen").toggle()
  assert.equal(publications.length, 2)
  await new Switching(room, "screen").toggle()
  assert.equal(publications.length, 1)
})
