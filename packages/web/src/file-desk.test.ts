import assert from "node:assert/strict"
import { test } from "node:test"
import type { FilesRoom } from "@tightbeam/client/files"
import { FileDesk } from "./file-desk.ts"

test("of the many offers that are over the latest are shown", () => {
  const shown: string[] = []
  const room = {
    snapshot: () => ({ participants: [{ id: "eve" }] }),
    subscribe: () => () => {},
    on: () => () => {},
    connection: () => undefined,
    send: () => Promise.resolve(),
  } as unknown as FilesRoom
  const desk = new FileDesk(room, {
    nameOf: () => "Eve",
    announce: () => {},
    show: card => shown.push(card),
    trouble: assert.ifError,
  })
  for (let i = 0; i < 300; i++) {
    desk.hear({ type: "offer", offer: `o${i}`, count: 1 }, "eve")
    desk.hear({ type: "manifest", offer: `o${i}`, at: 0, files: [[`${i}.txt`, 1, 0]] }, "eve")
    desk.decline(`o${i}`)
  }
  assert.equal(shown.length, 300)
  const cards = [...desk.cards.value.keys()]
  assert.ok(cards.length <= 201, `${cards.length} cards`)
  assert.equal(cards.at(-1), "o299")
  desk.close()
})
