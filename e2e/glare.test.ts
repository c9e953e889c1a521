import assert from "node:assert/strict"
import { test } from "node:test"
import { launchChromium, Person, Server } from "./harness.ts"

interface Listening {
  on(event: "track", listener: () => void): void
  join(room: string, options: { name: string }): Promise<void>
  publish(track: MediaStreamTrack): Promise<unknown>
  snapshot(): { participants: readonly { timeline: { status: string } }[] }
  subscribe(callback: () => void): void
}

test("two who publish at once, each in an order of their own, receive all of it", async () => {
  const server = await Server.start()
  const browser = await launchChromium()
  try {
    const { page } = await Person.open(browser, server.url)
    await page.addScriptTag({ url: "/tightbeam.js" })
    const received = await page.evaluate(async () => {
      const { Tightbeam } = globalThis as unknown as { Tightbeam: { Room: new () => Listening } }
      const rooms = [new Tightbeam.Room(), new Tightbeam.Room()]
      const connected = rooms.map(room => {
        const { promise, resolve } = Promise.withResolvers<void>()
        room.subscribe(() => {
          if (room.snapshot().participants[0]?.timeline.status === "connected") resolve()
        })
        return promise
      })
      for (const room of rooms) await room.join("glare", { name: "Guest" })
      await Promise.all(connected)
      let tracks = 0
      const all = Promise.withResolvers<void>()
      for (const room of rooms)
        room.on("track", () => {
          if (++tracks === 4) all.resolve()
        })
      const sound = () => new AudioContext().createMediaStreamDestination().stream.getTracks()[0]!
      const picture = () => {
        const canvas = document.createElement("canvas")
        canvas.getContext("2d")
        return canvas.captureStream(5).getTracks()[0]!
      }
      // In one turn: neither can have heard of the other's offer when it makes its own.
      for (const track of [sound(), picture()]) void rooms[0]!.publish(track)
      for (const track of [picture(), sound()]) void rooms[1]!.publish(track)
      await Promise.race([all.promise, new Promise(over => setTimeout(over, 10_000))])
      return tracks
    })
    assert.equal(received, 4)
  } finally {
    await browser.close()
    await server.stop()
  }
})
