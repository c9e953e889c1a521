import assert from "node:assert/strict"
import { test } from "node:test"
import type { RoomSnapshot } from "@tightbeam/client"
import { limitRelayed } from "./relayed-video.ts"

type Route = "direct" | "relayed" | undefined

/** What one person sends to others, each by a route. */
class FakeRoom {
  routes: Record<string, Route> = {}
  /** Kinds of what is sent to each; `undefined` for a camera that is off. */
  kinds: ("audio" | "video" | undefined)[] = ["audio", "video"]
  /** How often anything was set. */
  changes = 0
  readonly #limits = new Map<string, number>()

  get snapshot() {
    const participants = Object.entries(this.routes).map(([id, route]) => ({
      id,
      timeline: { path: route && { route } },
    }))
    return { value: { participants } as unknown as RoomSnapshot }
  }

  connection(id: string) {
    return {
      getSenders: () =>
        this.kinds.map((kind, i) => {
          const key = `${id} ${kind} ${i}`
          const maxBitrate = this.#limits.get(key)
          return {
            track: kind === undefined ? null : ({ kind } as MediaStreamTrack),
            getParameters: () =>
              ({ encodings: [maxBitrate === undefined ? {} : { maxBitrate }] }) as RTCRtpSendParameters,
            setParameters: ({ encodings: [encoding] }: RTCRtpSendParameters) => {
              this.changes++
              if (encoding?.maxBitrate === undefined) this.#limits.delete(key)
              else this.#limits.set(key, encoding.maxBitrate)
              return Promise.resolve()
            },
          }
        }),
    }
  }

  /** By whom it goes to and what it is. */
  get limits(): Record<string, number> {
    return Object.fromEntries(this.#limits)
  }
}

test("what pictures may take on the relay is shared out among them; sound and direct ones take what they want", () => {
  const room = new FakeRoom()
  room.routes = { ben: "relayed", cyd: "direct", dee: undefined }
  limitRelayed(room, 600_000)
  assert.deepEqual(room.limits, { "ben video 1": 600_000 })

  room.routes = { ben: "relayed", cyd: "relayed", dee: "relayed" }
  limitRelayed(room, 600_000)
  assert.deepEqual(room.limits, { "ben video 1": 200_000, "cyd video 1": 200_000, "dee video 1": 200_000 })

  room.kinds = ["audio", "video", "video"]
  limitRelayed(room, 600_000)
  assert.deepEqual(Object.values(room.limits), Array(6).fill(100_000))
})

test("a path that becomes direct is free again, and one that is being looked for stays as it is", () => {
  const room = new FakeRoom()
  room.routes = { ben: "relayed" }
  limitRelayed(room, 300_000)
  room.routes = { ben: undefined }
  limitRelayed(room, 300_000)
  assert.deepEqual(room.limits, { "ben video 1": 300_000 })
  room.routes = { ben: "direct" }
  limitRelayed(room, 300_000)
  assert.deepEqual(room.limits, {})
})

test("nothing is set that is so already", () => {
  const room = new FakeRoom()
  room.routes = { ben: "relayed", cyd: "direct" }
  for (let i = 0; i < 3; i++) limitRelayed(room, 300_000)
  assert.equal(room.changes, 1)
})

test("a camera that is off takes no share", () => {
  const room = new FakeRoom()
  room.routes = { ben: "relayed" }
  room.kinds = ["audio", undefined, "video"]
  limitRelayed(room, 300_000)
  assert.deepEqual(room.limits, { "ben video 2": 300_000 })
})
