import assert from "node:assert/strict"
import { test } from "node:test"
import { CAPTION_LENGTH, CAPTION_LINES, CAPTION_STAYS, Captions } from "./captions.ts"

const texts = (captions: Captions) => captions.lines.value.map(({ name, text }) => `${name}: ${text}`)

test("a sentence grows in its place until it is over", () => {
  const captions = new Captions()
  captions.hear("p1", "Ben", { text: "So the", final: false }, 0)
  captions.hear("p2", "Cyd", { text: "Yes", final: true }, 100)
  captions.hear("p1", "Ben", { text: "So the relay is", final: false }, 200)
  assert.deepEqual(texts(captions), ["Cyd: Yes", "Ben: So the relay is"])
  captions.hear("p1", "Ben", { text: "So the relay is last.", final: true }, 300)
  captions.hear("p1", "Ben", { text: "And", final: false }, 400)
  assert.deepEqual(texts(captions), ["Cyd: Yes", "Ben: So the relay is last.", "Ben: And"])
})

test("lines go when they have been read, the oldest first", () => {
  const captions = new Captions()
  for (let i = 0; i < CAPTION_LINES + 2; i++)
    captions.hear("p1", "Ben", { text: `Line ${i}`, final: true }, i)
  assert.equal(captions.lines.value.length, CAPTION_LINES)
  captions.forget(CAPTION_STAYS - 1)
  assert.equal(captions.lines.value.length, CAPTION_LINES)
  captions.forget(CAPTION_STAYS + 10)
  assert.equal(captions.lines.value.length, 0)
})

test("what strangers send is text, cut, or nothing", () => {
  const captions = new Captions()
  for (const data of [null, 7, "hi", {}, { text: 7 }, { text: "  " }, new Uint8Array(3), []])
    captions.hear("p1", "Ben", data, 0)
  assert.equal(captions.lines.value.length, 0)
  captions.hear("p1", "Ben", { text: `${"x".repeat(9_000)} the end` }, 0)
  assert.equal(captions.lines.value[0]!.text.length, CAPTION_LENGTH)
  assert.match(captions.lines.value[0]!.text, /the end$/)
})
