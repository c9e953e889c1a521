import assert from "node:assert/strict"
import { test } from "node:test"
import { type RemoteParticipant, type RoomSnapshot, TightbeamError } from "@tightbeam/client"
import { ChatStore, chatText, TEXT_MAX } from "./chat-store.ts"
import { FakeRoom } from "./gallery/fake-room.ts"
import { timelineAt } from "./gallery/fake-timeline.ts"
import { handOrder } from "./hands.ts"
import type { PublicationApi } from "./room-api.ts"
import { RoomStore } from "./room-store.ts"
import { actionFor, type KeyPress } from "./shortcuts.ts"
import { listen, meterShare, SILENT } from "./speaking.ts"
import { View } from "./view.ts"

const press = (key: string, change: Partial<KeyPress> = {}): KeyPress => {
  return { key, ctrlKey: false, metaKey: false, altKey: false, repeat: false, typing: false, ...change }
}

test("keys act, whatever their case", () => {
  assert.equal(actionFor(press("m")), "microphone")
  assert.equal(actionFor(press("V")), "camera")
  assert.equal(actionFor(press("?")), "help")
  assert.equal(actionFor(press("x")), undefined)
})

test("keys do nothing while typing, held down, or with a modifier", () => {
  for (const change of [
    { typing: true },
    { ctrlKey: true },
    { metaKey: true },
    { altKey: true },
    { repeat: true },
  ])
    assert.equal(actionFor(press("m", change)), undefined)
})

test("somebody speaks from the first loud moment until a pause longer than a breath", () => {
  let voice = listen(SILENT, 0.005, 0)
  assert.equal(voice.speaking, false)
  voice = listen(voice, 0.2, 100)
  assert.equal(voice.speaking, true)
  voice = listen(voice, 0, 600)
  assert.equal(voice.speaking, true)
  voice = listen(voice, 0, 900)
  assert.equal(voice.speaking, false)
})

test("the meter runs from silence to full", () => {
  assert.equal(meterShare(0), 0)
  assert.equal(meterShare(0.0001), 0)
  assert.equal(meterShare(1), 1)
  assert.ok(meterShare(0.1) > 0.6 && meterShare(0.1) < 0.8)
})

test("a chat message is text, or nothing", () => {
  assert.equal(chatText({ text: "<b>hi</b>" }), "<b>hi</b>")
  assert.equal(chatText({ text: "x".repeat(9_999) })!.length, TEXT_MAX)
  for (const data of [null, 7, "hi", {}, { text: 7 }, { text: "  " }, new Uint8Array(3), []])
    assert.equal(chatText(data), undefined)
})

test("unread counts what came while the chat was closed, and only what others wrote", () => {
  const chat = new ChatStore()
  chat.add("message", "p1", "Ben", "one")
  chat.add("message", "self", "You", "two")
  chat.add("notice", "p1", "Ben", "left")
  assert.equal(chat.unread.value, 1)
  chat.setOpen(true)
  chat.add("message", "p1", "Ben", "three")
  assert.equal(chat.unread.value, 0)
})

test("a chat keeps the last 500 entries", () => {
  const chat = new ChatStore()
  for (let i = 0; i < 600; i++) chat.add("message", "p1", "Ben", String(i))
  assert.equal(chat.entries.value.length, 500)
  assert.equal(chat.entries.value[0]!.text, "100")
})

const ben: RemoteParticipant = {
  id: "p1",
  name: "Ben",
  away: false,
  host: false,
  hand: null,
  publications: [],
  timeline: timelineAt("p1", "end"),
}

const announced = (store: RoomStore) => store.announcements.value.at(-1)?.text ?? ""

test("who comes and goes is announced and noted in the chat", async () => {
  const room = new FakeRoom()
  const store = new RoomStore(room, "standup")
  await store.join("Ada")
  room.arrive(ben)
  assert.equal(announced(store), "Ben joined")
  room.emit("participant", { participant: ben, change: "left" })
  assert.equal(announced(store), "Ben left")
  assert.deepEqual(
    store.chat.entries.value.map(({ name, text }) => `${name} ${text}`),
    ["Ben joined", "Ben left"],
  )
})

test("of many announcements the last are kept, each as one", async () => {
  const store = new RoomStore(new FakeRoom(), "standup")
  for (let i = 0; i < 100; i++) store.announce(`${i}`)
  assert.deepEqual(
    store.announcements.value.map(({ text }) => text),
    ["92", "93", "94", "95", "96", "97", "98", "99"],
  )
  assert.equal(new Set(store.announcements.value.map(({ key }) => key)).size, 8)
})

test("the same message twice is announced twice", async () => {
  const room = new FakeRoom()
  const store = new RoomStore(room, "standup")
  room.arrive(ben)
  for (let i = 0; i < 3; i++) room.emit("message", { topic: "chat", data: { text: "ok" }, from: ben.id })
  assert.deepEqual(
    store.announcements.value.slice(-3).map(({ text }) => text),
    ["Message from Ben: ok", "Message from Ben: ok", "Message from Ben: ok"],
  )
})

test("a device that is unplugged in the call is missed aloud; what is not allowed, or ended by its owner, is not", () => {
  const room = new FakeRoom()
  const store = new RoomStore(room, "standup")
  const ends = (source: PublicationApi["source"]) =>
    room.emit("publication", { publication: { source } as PublicationApi, change: "unpublished" })
  const trouble = () => store.trouble.value?.message
  ends("screen")
  assert.equal(trouble(), undefined)
  ends("microphone")
  assert.equal(trouble(), "Your microphone is gone.")
  ends("camera")
  assert.equal(trouble(), "Your camera is gone.")
  room.emit("error", new TightbeamError("not-allowed", "You may not publish.", "Ask for a token that may."))
  ends("camera")
  assert.equal(trouble(), "You may not publish.")
})

test("a message that cannot be sent says so", async () => {
  const room = new FakeRoom()
  room.send = () => Promise.reject(new Error("gone"))
  const store = new RoomStore(room, "standup")
  await store.say("  hello  ")
  await store.say("   ")
  assert.deepEqual(
    store.chat.entries.value.map(({ text, failed }) => ({ text, failed })),
    [{ text: "hello", failed: true }],
  )
})

test("a join that fails ends the call with its message and lets the room go", async () => {
  const room = new FakeRoom()
  let left = 0
  room.leave = () => {
    left++
    return Promise.resolve()
  }
  room.join = () => Promise.reject(new TightbeamError("room-full", "This room is full.", "Wait."))
  const store = new RoomStore(room, "standup")
  await store.join("Ada")
  assert.equal(store.ending.value?.trouble.message, "This room is full.")
  assert.match(store.ending.value.link!, /room-full$/)
  assert.equal(left, 1)
})

test("a room that closes ends the call with its reason; leaving is no ending", async () => {
  const closed: RoomSnapshot["state"] = {
    status: "closed",
    reason: new TightbeamError("replaced", "You joined from elsewhere.", "Rejoin here."),
  }
  const room = new FakeRoom()
  const store = new RoomStore(room, "standup")
  await store.join("Ada")
  room.set({ state: closed })
  assert.equal(store.ending.value?.trouble.message, "You joined from elsewhere.")

  const other = new RoomStore(new FakeRoom(), "standup")
  await other.leave()
  assert.equal(other.ending.value, undefined)
})

test("a switch that fails says why, and a cancelled screen does not", async () => {
  const room = new FakeRoom()
  const store = new RoomStore(room, "standup")
  room.publish = () => Promise.reject(new TightbeamError("screen-cancelled", "No screen.", ""))
  await store.toggle("screen")
  assert.equal(store.trouble.value, undefined)
  room.publish = () => Promise.reject(new TightbeamError("device-in-use", "In use.", "Close it."))
  await store.toggle("camera")
  assert.deepEqual(store.trouble.value, { message: "In use.", hint: "Close it." })
  assert.equal(store.busy.value.size, 0)
})

test("opening the chat reads it; opening the other panel closes it", () => {
  const store = new RoomStore(new FakeRoom(), "standup")
  store.chat.add("message", "p1", "Ben", "hi")
  store.show("chat")
  assert.equal(store.chat.unread.value, 0)
  store.watch("p1")
  assert.equal(store.panel.value, "timeline")
  store.chat.add("message", "p1", "Ben", "hi")
  assert.equal(store.chat.unread.value, 1)
  store.show("timeline")
  assert.equal(store.panel.value, undefined)
})

test("what the server refuses is said", async () => {
  const room = new FakeRoom()
  const store = new RoomStore(room, "standup")
  await store.join("Ada")
  room.emit(
    "error",
    new TightbeamError("not-allowed", "You may not publish.", "Ask for a token that allows it."),
  )
  assert.deepEqual(store.trouble.value, {
    message: "You may not publish.",
    hint: "Ask for a token that allows it.",
  })
})

test("a device that the browser gives only after the call is let go, and nobody is troubled", async () => {
  for (const ask of ["toggle", "switchDevice"] as const) {
    const room = new FakeRoom()
    const store = new RoomStore(room, "standup")
    await store.join("Ada")
    const given = Promise.withResolvers<PublicationApi>()
    room.publish = () => given.promise
    const asked = ask === "toggle" ? store.toggle("camera") : store.switchDevice("camera", "second")
    await store.leave()
    let unpublished = 0
    given.resolve({
      unpublish: () => {
        unpublished++
        return Promise.resolve()
      },
    } as PublicationApi)
    await asked
    assert.equal(unpublished, 1, ask)
    let published = 0
    room.publish = () => {
      published++
      return Promise.reject(new Error("nobody asks any more"))
    }
    await (ask === "toggle" ? store.toggle("camera") : store.switchDevice("camera", "second"))
    assert.equal(published, 0, ask)
    assert.equal(store.trouble.value, undefined, ask)
  }
})

test("somebody who cannot be reached is tried again; somebody who left meanwhile is no trouble", async () => {
  const room = new FakeRoom()
  const asked: string[] = []
  room.reconnect = participant => {
    asked.push(participant)
    throw new TightbeamError("no-such-participant", "Nobody.", "")
  }
  const store = new RoomStore(room, "standup")
  await store.join("Ada")
  store.reconnect("p1")
  assert.deepEqual(asked, ["p1"])
  assert.equal(store.trouble.value, undefined)
})

test("hands are announced, and stand in the order they went up, one's own among them", async () => {
  const room = new FakeRoom()
  const store = new RoomStore(room, "standup")
  await store.join("Ada")
  room.arrive(ben)
  const cyd = { ...ben, id: "p2", name: "Cyd" }
  room.arrive(cyd)
  room.set({ participants: [ben, { ...cyd, hand: 4 }] })
  assert.equal(announced(store), "Cyd raised a hand")
  room.set({ participants: room.snapshot().participants.map(each => ({ ...each, hand: each.hand ?? 9 })) })
  assert.equal(announced(store), "Ben raised a hand")
  room.set({ self: { ...room.snapshot().self!, hand: 7 } })
  assert.deepEqual(
    [...handOrder(room.snapshot())],
    [
      ["p2", 1],
      ["p0", 2],
      ["p1", 3],
    ],
  )
  room.set({ participants: room.snapshot().participants.map(each => ({ ...each, hand: null })) })
  assert.match(announced(store), /lowered the hand/)
})

test("a host hears of each who waits, once", async () => {
  const room = new FakeRoom()
  const store = new RoomStore(room, "standup")
  await store.join("Ada")
  const zoe = { id: "w1", name: "Zoë" }
  room.set({ lobby: { locked: true, waiting: [zoe] } })
  assert.equal(announced(store), "Zoë wants to join")
  const { length } = store.announcements.value
  room.set({ lobby: { locked: true, waiting: [zoe] } })
  assert.equal(store.announcements.value.length, length)
})

test("audio only turns one's own camera off, and never on again by itself", async () => {
  const room = new FakeRoom()
  const store = new RoomStore(room, "standup")
  await store.join("Ada")
  const camera = { kind: "video", enabled: true } as MediaStreamTrack
  await store.bring({ camera, microphone: undefined, microphoneOn: false })
  store.setAudioOnly(true)
  await Promise.resolve()
  assert.equal(room.snapshot().publications[0]!.muted, true)
  store.setAudioOnly(false)
  await Promise.resolve()
  assert.equal(room.snapshot().publications[0]!.muted, true)
})

test("captions come from who is in the room, and the view is kept when the call is joined again", async () => {
  const view = new View()
  const room = new FakeRoom()
  const store = new RoomStore(room, "standup", view)
  await store.join("Ada")
  room.arrive(ben)
  room.emit("message", { topic: "captions", data: { text: "Hello", final: true }, from: "p1" })
  room.emit("message", { topic: "captions", data: { text: "Who am I?", final: true }, from: "stranger" })
  assert.deepEqual(
    store.captions.lines.value.map(({ name, text }) => [name, text]),
    [["Ben", "Hello"]],
  )
  store.pin(room.snapshot().participants[0])
  await store.leave()
  const again = new FakeRoom()
  const rejoined = new RoomStore(again, "standup", view)
  await rejoined.join("Ada")
  const pinned = (): string | undefined => rejoined.pinned.value?.id
  assert.equal(pinned(), undefined)
  again.arrive(ben)
  assert.equal(pinned(), "p1")
})
