import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { fakeTrack } from "./testing/fake-media.ts"
import { World } from "./testing/world.ts"

const statuses = (room: { snapshot(): { participants: readonly { timeline: { status: string } }[] } }) =>
  room.snapshot().participants.map(({ timeline }) => timeline.status)

describe("A call", () => {
  test("comes up on both sides", async () => {
    const { ada, ben } = await new World().call()
    for (const room of [ada, ben]) assert.deepEqual(statuses(room), ["connected"])
  })

  test("carries tracks and messages, under the names of who sent them", async () => {
    const world = new World()
    const { ada, ben } = await world.call()
    const heard: unknown[] = []
    ben.on("message", ({ topic, data, from }) => heard.push([topic, data, from]))
    await ada.send("chat", { text: "Hello" })
    await ada.publish(fakeTrack("video"), { source: "camera" })
    await world.run(20)
    assert.deepEqual(heard, [["chat", { text: "Hello" }, ada.snapshot().self!.id]])
    const [publication] = ben.snapshot().participants[0]!.publications
    assert.equal(publication?.source, "camera")
    assert.equal(publication.track?.kind, "video")
  })
})
