import assert from "node:assert/strict"
import { after, before, describe, test } from "node:test"
import type { Browser } from "playwright-core"
import { launchChromium, Person, Server } from "./harness.ts"

/** What the operator lets one participant's pictures take on the relay, bits/s. */
const BITRATE = 150_000

/** Over so many of what is sent it is measured. */
const FRAMES = 20

/** An encoder keeps to its limit over some seconds, not over each. */
const TOLERANCE = 1.4

describe("Where video on the relay has a limit", () => {
  let server: Server
  let browser: Browser

  before(async () => {
    server = await Server.start(`--turn.relayedVideoBitrate=${BITRATE}`)
    browser = await launchChromium()
  })
  after(async () => {
    await browser?.close()
    await server?.stop()
  })

  async function join(name: string, room: string): Promise<Person> {
    const person = await Person.open(browser, `${server.url}/r/${room}`)
    await person.join(name)
    return person
  }

  test("relayed pictures keep to it together, sound goes on, and who comes takes a share", async () => {
    const people = [await join("Ada", "relayed?relay=1"), await join("Ben", "relayed?relay=1")]
    const [ada] = people as [Person]
    await Promise.all(people.map(person => person.seesAndHears()))
    await ada.until("the limit", async () => String(await limits(ada)) === String(BITRATE))
    let sent = { video: 0, audio: 0 }
    await ada.until("it to be kept", async () => {
      sent = await rates(ada)
      return sent.video < TOLERANCE * BITRATE
    })
    assert.ok(sent.audio > 10_000, `${sent.audio} bits/s of sound`)
    const cyd = await join("Cyd", "relayed?relay=1")
    const half = BITRATE / 2
    await ada.until("shares", async () => String(await limits(ada)) === String([half, half]))
    await Promise.all([...people, cyd].map(person => person.seesAndHears()))
    for (const person of [...people, cyd]) {
      assert.deepEqual(person.errors, [])
      await person.close()
    }
  })

  test("what goes directly is sent as well as it can be", async () => {
    const people = [await join("Ada", "direct"), await join("Ben", "direct")]
    const [ada] = people as [Person]
    await Promise.all(people.map(person => person.seesAndHears()))
    await ada.until("more than the limit", async () => (await rates(ada)).video > 1.5 * BITRATE)
    assert.deepEqual(await limits(ada), [null])
  })
})

/** What each live connection's pictures are limited to, bits/s. */
function limits(person: Person): Promise<(number | null)[]> {
  return person.page.evaluate(() =>
    (globalThis as unknown as { madeConnections: RTCPeerConnection[] }).madeConnections
      .filter(({ connectionState }) => connectionState === "connected")
      .flatMap(connection => connection.getSenders())
      .filter(({ track }) => track?.kind === "video")
      .map(sender => sender.getParameters().encodings[0]?.maxBitrate ?? null),
  )
}

/** What a person sends while some frames go out, bits/s, over one connection. */
function rates(person: Person): Promise<{ video: number; audio: number }> {
  return person.page.evaluate(async frames => {
    const { madeConnections } = globalThis as unknown as { madeConnections: RTCPeerConnection[] }
    const connection = madeConnections.find(({ connectionState }) => connectionState === "connected")!
    const look = async () => {
      const found = { at: 0, frames: 0, video: 0, audio: 0 }
      ;(await connection.getStats()).forEach((each: RTCOutboundRtpStreamStats & { framesSent?: number }) => {
        if (each.type !== "outbound-rtp") return
        found.at = each.timestamp
        found.frames += each.framesSent ?? 0
        found[each.kind as "audio" | "video"] += each.bytesSent ?? 0
      })
      return found
    }
    const first = await look()
    let last = first
    while (last.frames < first.frames + frames) {
      await new Promise(drawn => requestAnimationFrame(drawn))
      last = await look()
    }
    const bits = (kind: "audio" | "video") => (8000 * (last[kind] - first[kind])) / (last.at - first.at)
    return { video: bits("video"), audio: bits("audio") }
  }, FRAMES)
}
