import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { TightbeamError } from "./errors.ts"
import { Room } from "./room.ts"
import { fakeTrack } from "./testing/fake-media.ts"
import { connectionOf, settle, World } from "./testing/world.ts"

/** What became of a promise so far. */
function watch(promise: Promise<unknown>) {
  const it: { state: "pending" | "resolved" | "rejected"; code: string | undefined; error: unknown } = {
    state: "pending",
    code: undefined,
    error: undefined,
  }
  promise.then(
    () => (it.state = "resolved"),
    (error: unknown) => {
      it.state = "rejected"
      it.error = error
      it.code = error instanceof TightbeamError ? error.code : undefined
    },
  )
  return it
}

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

describe("A message to everybody", () => {
  test("waits for a connection that comes up, but for none that has failed", async () => {
    const world = new World()
    const ada = await world.joined("Ada")
    await world.joined("Ben")
    await world.run(20)
    const early = watch(ada.send("chat", "early"))
    await world.run(1000)
    assert.equal(early.state, "pending")
    connectionOf(ada).become("failed")
    await settle()
    assert.equal(early.state, "resolved")
    await ada.send("chat", "late")
  })

  test("reaches the others while one cannot be reached, and that one later", async () => {
    const world = new World()
    const { ada, ben } = await world.call()
    const cyd = await world.joined("Cyd")
    await world.run(20)
    world.connections.establish()
    const heard: unknown[] = []
    for (const room of [ben, cyd]) room.on("message", ({ data }) => heard.push([room === ben, data]))
    connectionOf(ada).become("failed")
    await ada.send("chat", "Hello")
    assert.deepEqual(heard, [[false, "Hello"]])
    connectionOf(ada).become("connected")
    await ada.send("chat", "again")
    assert.deepEqual(heard.slice(1), [
      [true, "Hello"],
      [true, "again"],
      [false, "again"],
    ])
  })
})

describe("Joining", () => {
  test("leaving while it is under way gives it up", async () => {
    const world = new World()
    const room = world.room()
    const join = watch(room.join("standup", { name: "Ada" }))
    await room.leave()
    await settle()
    assert.deepEqual([join.state, join.code], ["rejected", "aborted"])
    assert.equal(room.snapshot().state.status, "idle")
  })

  test("the signal of an earlier join does not end a later one", async () => {
    const world = new World()
    const room = world.room()
    const first = new AbortController()
    void room.join("one", { name: "Ada", signal: first.signal }).catch(() => {})
    await room.leave()
    const second = room.join("two", { name: "Ada" })
    await world.run(10)
    await second
    first.abort()
    await world.run(10)
    assert.equal(room.snapshot().state.status, "connected")
  })

  test("its own signal ends it, but not the call that came of it", async () => {
    const world = new World()
    const room = world.room()
    const early = new AbortController()
    const join = watch(room.join("standup", { name: "Ada", signal: early.signal }))
    early.abort()
    await settle()
    assert.deepEqual([join.code, room.snapshot().state.reason?.code], ["aborted", "aborted"])

    const late = new AbortController()
    const again = room.join("standup", { name: "Ada", signal: late.signal })
    await world.run(10)
    await again
    late.abort()
    assert.equal(room.snapshot().state.status, "connected")
  })

  test("an address that is none is named, and the next join is possible", async () => {
    const world = new World()
    const room = world.room()
    const bad = world.room({ url: "calls.example", connect: undefined as never })
    for (let i = 0; i < 2; i++) {
      const join = watch(bad.join("standup", { name: "Ada" }))
      await settle()
      assert.equal(join.code, "server-unreachable")
      assert.match((join.error as TightbeamError).hint, /"calls\.example"/)
      assert.equal(bad.snapshot().state.status, "closed")
    }
    const thrown = world.room({
      connect: () => {
        throw new TypeError("no")
      },
    })
    const join = watch(thrown.join("standup", { name: "Ada" }))
    await settle()
    assert.equal(join.code, "server-unreachable")
    assert.equal(room.snapshot().state.status, "idle")
  })

  test("a browser without peer connections says so, and the next join is possible", async () => {
    const world = new World()
    await world.joined("Ada")
    let works = false
    const room = world.room({
      createConnection: configuration => {
        if (!works) throw new ReferenceError("RTCPeerConnection is not defined")
        return world.connections.create(configuration)
      },
    })
    const join = watch(room.join("standup", { name: "Ben" }))
    await world.run(20)
    assert.deepEqual([join.state, join.code], ["rejected", "not-supported"])
    assert.equal(room.snapshot().state.reason?.code, "not-supported")
    works = true
    const again = watch(room.join("standup", { name: "Ben" }))
    await world.run(20)
    assert.equal(again.state, "resolved")
    assert.equal(room.snapshot().state.status, "connected")
  })

  test("a name that changes meanwhile is told after", async () => {
    const world = new World()
    const room = world.room()
    const join = room.join("standup", { name: "Ada" })
    await world.run(2.5)
    await room.rename("Ada L.")
    await world.run(10)
    await join
    assert.deepEqual(
      world.server.said("Ada", "rename").map(({ name }) => name),
      ["Ada L."],
    )
  })

  test("a socket that has died in silence is noticed soon where it is asked for; one that lives stays", async () => {
    const world = new World()
    let sockets = 0
    let dead = 0
    const room = await world.joined("Ada", {
      connect: handlers => {
        const socket = ++sockets
        return world.server.connect({
          ...handlers,
          message: text => {
            if (socket > dead) handlers.message(text)
          },
        })
      },
    })
    room.retryNow()
    await world.run(4000)
    assert.deepEqual([room.snapshot().state.status, sockets], ["connected", 1])
    dead = 1
    room.retryNow()
    await world.run(3000)
    assert.deepEqual([room.snapshot().state.status, sockets], ["connected", 2])
  })

  test("what is no message breaks the socket, not the page", async () => {
    for (const frame of ["null", "7", '"hello"', "[]", "<html>"]) {
      const world = new World()
      const room = await world.joined("Ada")
      world.server.say("Ada", frame)
      await world.run(5)
      assert.equal(room.snapshot().state.status, "reconnecting", frame)
      await world.run(1000)
      assert.equal(room.snapshot().state.status, "connected", frame)
    }
  })
})

describe("Leaving", () => {
  test("a room that was closed keeps its reason, and lets the devices go", async () => {
    const world = new World()
    const room = await world.joined("Ada")
    await room.publish("camera")
    const reason = { code: "replaced", message: "You joined from elsewhere.", hint: "", fatal: true } as const
    world.server.say("Ada", { type: "error", ...reason })
    await world.run(5)
    assert.equal(room.snapshot().state.reason?.code, "replaced")
    await room.leave()
    assert.equal(room.snapshot().state.status, "closed")
    assert.equal(room.snapshot().state.reason?.code, "replaced")
    assert.equal(world.devices.live.length, 0)
    const again = room.join("standup", { name: "Ada" })
    await world.run(10)
    await again
    assert.equal(room.snapshot().state.status, "connected")
  })

  test("a camera that is allowed only after that stays off", async () => {
    const world = new World()
    const room = await world.joined("Ada")
    world.devices.ask()
    const published = watch(room.publish("camera"))
    await room.leave()
    world.devices.allow()
    await settle()
    assert.equal(published.code, "aborted")
    assert.equal(world.devices.live.length, 0)
    assert.deepEqual(room.snapshot().publications, [])
  })
})

describe("What the server refuses", () => {
  test("is an event of the room", async () => {
    const world = new World()
    const room = await world.joined("Ada")
    const errors: TightbeamError[] = []
    room.on("error", error => errors.push(error))
    const error = { code: "too-many", message: "Slower.", hint: "Say less.", fatal: false } as const
    world.server.say("Ada", { type: "error", ...error })
    await world.run(5)
    assert.deepEqual(
      errors.map(({ code, message, hint }) => ({ code, message, hint })),
      [{ code: "too-many", message: "Slower.", hint: "Say less." }],
    )
    assert.equal(room.snapshot().state.status, "connected")
  })

  test("a publication that is not allowed is taken back, and its device let go", async () => {
    const world = new World()
    const room = await world.joined("Ada")
    const microphone = await room.publish("microphone")
    await world.run(10)
    world.server.forbidden.add("camera")
    const codes: string[] = []
    const gone: string[] = []
    room.on("error", ({ code }) => codes.push(code))
    room.on("publication", ({ publication, change }) => {
      if (change === "unpublished") gone.push(publication.source)
    })
    await room.publish("camera")
    await world.run(20)
    assert.deepEqual(codes, ["not-allowed"])
    assert.deepEqual(gone, ["camera"])
    assert.deepEqual(
      world.devices.live.map(({ kind }) => kind),
      ["audio"],
    )
    assert.deepEqual(
      room.snapshot().publications.map(({ id }) => id),
      [microphone.id],
    )
  })
})

describe("The timeline", () => {
  test("a screen that is shared leaves the connection connected, and what it took as it was", async () => {
    const world = new World()
    const { ada, ben } = await world.call()
    const took = () =>
      [ada, ben].map(room => room.snapshot().participants[0]!.timeline.phases.map(each => each.endedAt))
    const before = took()
    const seen = new Set<string>()
    for (const room of [ada, ben]) room.subscribe(() => seen.add(statuses(room)[0]!))
    await world.run(60_000)
    await ada.publish(fakeTrack("video"), { source: "screen" })
    await world.run(100)
    assert.equal(ben.snapshot().participants[0]!.publications.length, 1)
    assert.deepEqual([...seen], ["connected"])
    assert.deepEqual(took(), before)
  })

  test("a path that breaks and mends is recovering meanwhile", async () => {
    const world = new World()
    const { ada, adas } = await world.call()
    const { phases } = ada.snapshot().participants[0]!.timeline
    adas.become("disconnected")
    assert.deepEqual(statuses(ada), ["recovering"])
    adas.become("connected")
    assert.deepEqual(statuses(ada), ["connected"])
    const after = ada.snapshot().participants[0]!.timeline.phases
    assert.deepEqual(
      after.map(({ endedAt }) => endedAt),
      phases.map(({ endedAt }) => endedAt),
    )
  })
})

describe("Coming back", () => {
  test("a connection that is new in every way is the same participant", async () => {
    const world = new World()
    const { ada, ben, adas } = await world.call()
    world.server.cut("Ada")
    await world.run(1000)
    assert.equal(ada.snapshot().state.status, "connected")
    assert.equal(connectionOf(ada), adas)
    for (const room of [ada, ben]) assert.deepEqual(statuses(room), ["connected"])
  })
})

describe("Hosts", () => {
  test("a locked room is waited for as long as it takes, and entered when a host says so", async () => {
    const world = new World()
    const ada = await world.joined("Ada")
    ada.lock(true)
    await world.run(10)
    const room = world.room()
    const join = watch(room.join("standup", { name: "Ben" }))
    // Longer than the server may take to answer.
    await world.run(60_000)
    assert.equal(join.state, "pending")
    assert.equal(room.snapshot().state.status, "waiting")
    assert.deepEqual([room.snapshot().self, room.snapshot().participants], [undefined, []])
    const [ben] = ada.snapshot().lobby!.waiting
    assert.equal(ben?.name, "Ben")
    ada.admit(ben.id)
    await world.run(20)
    world.connections.establish()
    await world.run(20)
    assert.deepEqual([join.state, room.snapshot().state.status], ["resolved", "connected"])
    for (const each of [ada, room]) assert.deepEqual(statuses(each), ["connected"])
    assert.deepEqual(ada.snapshot().lobby, { locked: true, waiting: [] })
    assert.equal(room.snapshot().lobby, undefined)
    assert.deepEqual([ada.snapshot().self!.host, room.snapshot().self!.host], [true, false])
    assert.equal(room.snapshot().participants[0]!.host, true)
  })

  test("who is not let in, and who is sent out, is told so for good", async () => {
    const world = new World()
    const { ada, ben } = await world.call()
    ada.lock(true)
    await world.run(10)
    const cyd = world.room()
    const join = watch(cyd.join("standup", { name: "Cyd" }))
    await world.run(10)
    ada.deny(ada.snapshot().lobby!.waiting[0]!.id)
    ada.kick(ben.snapshot().self!.id)
    await world.run(60_000)
    assert.deepEqual([join.state, join.code], ["rejected", "not-admitted"])
    for (const [room, code] of [
      [cyd, "not-admitted"],
      [ben, "kicked"],
    ] as const)
      assert.deepEqual([room.snapshot().state.status, room.snapshot().state.reason?.code], ["closed", code])
    assert.deepEqual(ada.snapshot().participants, [])
    assert.equal(ada.snapshot().state.status, "connected")
  })

  test("who waits and loses the network waits anew; giving up ends it", async () => {
    const world = new World()
    const ada = await world.joined("Ada")
    ada.lock(true)
    await world.run(10)
    const room = world.room()
    const join = watch(room.join("standup", { name: "Ben" }))
    await world.run(10)
    for (let i = 0; i < 5; i++) {
      world.server.cutWaiting("Ben")
      await world.run(5)
      assert.equal(room.snapshot().state.status, "connecting")
      await world.run(1000)
      assert.equal(room.snapshot().state.status, "waiting")
      assert.equal(ada.snapshot().lobby!.waiting.length, 1)
    }
    await room.leave()
    await world.run(10)
    assert.deepEqual([join.state, join.code], ["rejected", "aborted"])
    assert.deepEqual(ada.snapshot().lobby!.waiting, [])
  })

  test("who waits and cannot reach the server for a while waits on", async () => {
    const world = new World()
    const ada = await world.joined("Ada")
    ada.lock(true)
    await world.run(10)
    let reachable = true
    const room = world.room({
      connect: handlers => {
        if (reachable) return world.server.connect(handlers)
        world.clock.after(10, () => handlers.closed())
        return { send: () => {}, close: () => {} }
      },
    })
    const join = watch(room.join("standup", { name: "Ben" }))
    await world.run(10)
    reachable = false
    world.server.cutWaiting("Ben")
    await world.run(60_000)
    assert.deepEqual([join.state, room.snapshot().state.status], ["pending", "connecting"])
    reachable = true
    await world.run(20_000)
    assert.equal(room.snapshot().state.status, "waiting")
    assert.equal(ada.snapshot().lobby!.waiting.length, 1)
  })

  test("one who was in the room and is not known any more keeps nothing of it while they wait", async () => {
    const world = new World()
    const { ada, ben } = await world.call()
    ada.lock(true)
    await world.run(10)
    const unknown = { code: "session-unknown", message: "Over.", hint: "Join.", fatal: true } as const
    world.server.say("Ben", { type: "error", ...unknown })
    await world.run(1000)
    assert.equal(ben.snapshot().state.status, "waiting")
    assert.deepEqual([ben.snapshot().self, ben.snapshot().participants], [undefined, []])
  })

  test("raised hands are seen by all, one's own too", async () => {
    const world = new World()
    const { ada, ben } = await world.call()
    let changed = 0
    ben.subscribe(() => changed++)
    ben.raiseHand(true)
    await world.run(10)
    const { hand } = ben.snapshot().self!
    assert.ok(typeof hand === "number" && changed > 0)
    assert.equal(ada.snapshot().participants[0]!.hand, hand)
    ben.raiseHand(false)
    await world.run(10)
    assert.deepEqual([ben.snapshot().self!.hand, ada.snapshot().participants[0]!.hand], [null, null])
  })
})

test("what is said before joining is refused, not lost in silence", async () => {
  await assert.rejects(new Room({ token: "token" }).send("chat", { text: "hello" }), { code: "not-joined" })
})
