import assert from "node:assert/strict"
import { test } from "node:test"
import { MemoryBus } from "./bus.ts"
import type { RoomEvent } from "./room.ts"

/** A bus whose turns are taken by hand. */
function bus() {
  const due: (() => void)[] = []
  return {
    it: new MemoryBus(act => due.push(act)),
    turn: () => due.shift()?.(),
    run: () => {
      while (due.length > 0) due.shift()!()
    },
  }
}

const join = (id: string): RoomEvent => ({ type: "join", id, name: id, host: false })

test("everybody hears everything in one order, what is published meanwhile included", () => {
  const { it, run } = bus()
  const [first, second]: [string[], string[]] = [[], []]
  it.subscribe("room", event => {
    if (event.type !== "join") return
    first.push(event.id)
    if (event.id === "a") it.publish("room", join("answer to a"))
  })
  it.subscribe("room", event => event.type === "join" && second.push(event.id))
  it.subscribe("elsewhere", () => assert.fail("another room's event"))
  it.publish("room", join("a"))
  it.publish("room", join("b"))
  assert.deepEqual(first, [], "never from inside publish")
  run()
  assert.deepEqual(first, ["a", "b", "answer to a"])
  assert.deepEqual(second, first)
})

test("a subscriber that throws takes no later event with it", () => {
  const { it, turn, run } = bus()
  const heard: string[] = []
  it.subscribe("room", event => {
    if (event.type !== "join") return
    if (event.id === "bad") throw new Error("a bug")
    heard.push(event.id)
  })
  it.publish("room", join("bad"))
  it.publish("room", join("good"))
  assert.throws(turn, /a bug/)
  run()
  it.publish("room", join("later"))
  run()
  assert.deepEqual(heard, ["good", "later"])
})

test("who unsubscribed hears nothing more", () => {
  const { it, run } = bus()
  const stop = it.subscribe("room", () => assert.fail("heard after all"))
  it.publish("room", join("a"))
  stop()
  run()
})
