import assert from "node:assert/strict"
import { test } from "node:test"
import { TightbeamError } from "./errors.ts"
import { LocalPublication } from "./local-publication.ts"
import { FakeDevices, type FakeTrack, fakeTrack } from "./testing/fake-media.ts"
import { settle } from "./testing/world.ts"

function publish(source: "camera" | "microphone" = "camera") {
  const devices = new FakeDevices()
  const track = fakeTrack(source === "camera" ? "video" : "audio", "first")
  const told: string[] = []
  const publication = new LocalPublication("it", source, track, new MediaStream([track]), {
    changed: () => told.push("changed"),
    unpublished: () => told.push("unpublished"),
  })
  const current = () => publication.track as unknown as FakeTrack
  return { devices, publication, told, track: track as FakeTrack, current }
}

test("a camera that is muted is off; unmuted, it is the same device again", async () => {
  const { publication, track, current } = publish()
  await publication.mute()
  assert.equal(track.readyState, "ended")
  assert.equal(publication.sent, undefined)
  await publication.unmute()
  assert.equal(current().readyState, "live")
  assert.equal(current().deviceId, "first")
})

test("unpublished while the browser still asks, it turns no camera on", async () => {
  for (const act of ["unmute", "switch"] as const) {
    const { devices, publication, told } = publish()
    if (act === "unmute") await publication.mute()
    told.length = 0
    devices.ask()
    const pending = act === "unmute" ? publication.unmute() : publication.switch("second")
    await publication.unpublish()
    devices.allow()
    await pending
    assert.equal(devices.opened.length, 1, act)
    assert.equal(devices.live.length, 0, act)
    assert.deepEqual(told, ["unpublished"], act)
  }
})

test("once unpublished it asks for nothing any more", async () => {
  const { devices, publication, told } = publish()
  await publication.mute()
  await publication.unpublish()
  told.length = 0
  await publication.unmute()
  await publication.switch("second")
  await publication.mute()
  assert.equal(devices.opened.length, 0)
  assert.deepEqual(told, [])
})

test("muted while the browser still asks, it stays muted", async () => {
  const { devices, publication } = publish()
  await publication.mute()
  devices.ask()
  const pending = publication.unmute()
  await settle()
  await publication.mute()
  devices.allow()
  await pending
  assert.equal(publication.muted, true)
  assert.equal(devices.live.length, 0)
  await publication.unmute()
  assert.equal(publication.muted, false)
  assert.equal(devices.live.length, 1)
})

test("a microphone that is muted while it is switched stays silent", async () => {
  const { devices, publication, current } = publish("microphone")
  devices.ask()
  const pending = publication.switch("second")
  await publication.mute()
  devices.allow()
  await pending
  assert.equal(current().deviceId, "second")
  assert.equal(current().enabled, false)
})

test("a camera that is muted while it is switched is off, and comes back as the new one", async () => {
  const { devices, publication, current } = publish()
  devices.ask()
  const pending = publication.switch("second")
  await publication.mute()
  devices.allow()
  await pending
  assert.equal(devices.live.length, 0)
  await publication.unmute()
  assert.equal(current().deviceId, "second")
})

test("of two switches the later one counts", async () => {
  const { devices, publication, current } = publish()
  devices.ask()
  const pending = [publication.switch("second"), publication.switch("third")]
  devices.allow()
  await Promise.all(pending)
  assert.equal(current().deviceId, "third")
  assert.deepEqual(
    devices.live.map(({ deviceId }) => deviceId),
    ["third"],
  )
})

test("a device that cannot be opened is not the one that comes back after muting", async () => {
  const { devices, publication, track, current } = publish()
  devices.broken.add("second")
  await assert.rejects(
    publication.switch("second"),
    error => error instanceof TightbeamError && error.code === "device-in-use",
  )
  assert.equal(track.readyState, "live")
  await publication.mute()
  await publication.unmute()
  assert.equal(current().deviceId, "first")
})
