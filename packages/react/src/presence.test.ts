import assert from "node:assert/strict"
import { test } from "node:test"
import type { Room } from "@tightbeam/client"
import { Presence } from "./presence.ts"

/** A room that writes down what is asked of it. */
function setup() {
  const asked: string[] = []
  let status = "idle"
  const room = {
    snapshot: () => ({ state: { status } }),
    join: async (name: string) => void asked.push(`join ${name}`),
    leave: async () => void asked.push("leave"),
  } as unknown as Room
  const presence = new Presence(room, () => "Ada")
  return { presence, asked, close: () => (status = "closed") }
}

/** When every promise that is settled now has had its say. */
const settled = () => new Promise<void>(resolve => setImmediate(resolve))

test("StrictMode's mounting twice joins once", async () => {
  const { presence, asked } = setup()
  presence.want("a")
  presence.want(undefined)
  presence.want("a")
  await settled()
  assert.deepEqual(asked, ["join a"])
})

test("another room is joined after the one is left", async () => {
  const { presence, asked } = setup()
  presence.want("a")
  await settled()
  presence.want(undefined)
  presence.want("b")
  await settled()
  assert.deepEqual(asked, ["join a", "leave", "join b"])
})

test("what is wanted while leaving is joined after it", async () => {
  const { presence, asked } = setup()
  presence.want("a")
  await settled()
  presence.want(undefined)
  await Promise.resolve()
  presence.want("b")
  await settled()
  assert.deepEqual(asked, ["join a", "leave", "join b"])
})

test("only what is closed is joined again", async () => {
  const { presence, asked, close } = setup()
  presence.want("a")
  await settled()
  presence.rejoin()
  await settled()
  assert.deepEqual(asked, ["join a"])
  close()
  presence.rejoin()
  await settled()
  assert.deepEqual(asked, ["join a", "join a"])
})
