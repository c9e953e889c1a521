import assert from "node:assert/strict"
import { test } from "node:test"
import { arrange, type Rect } from "./arrange.ts"

const STAGES = [
  [1264, 676],
  [888, 676],
  [374, 700],
  [374, 210],
  [320, 480],
] as const

const overlap = (a: Rect, b: Rect): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height

test("every tile lies on the stage, and none on another, for 1 to 12 people and up to two shared screens", () => {
  for (const [width, height] of STAGES)
    for (const sharing of [0, 1, 2])
      for (let count = 1; count <= 12; count++) {
        const { faces, front, selfFloats } = arrange(count, sharing, width, height, 8)
        const rects = [...front, ...faces]
        const where = `${count} people on ${width} × ${height}, ${sharing} screens`
        assert.equal(faces.length, count, where)
        assert.equal(front.length, sharing, where)
        for (const { x, y, width: w, height: h } of rects) {
          assert.ok(x >= 0 && y >= 0 && x + w <= width && y + h <= height, `outside: ${where}`)
          assert.ok(w > 20 && h > 20, `too small: ${where}`)
        }
        if (selfFloats) continue
        for (const [i, a] of rects.entries())
          for (const b of rects.slice(i + 1)) assert.ok(!overlap(a, b), `overlapping: ${where}`)
      }
})

test("two people sit face to face: the other fills the stage, oneself floats within", () => {
  const { faces, selfFloats } = arrange(2, 0, 1264, 676, 8)
  assert.ok(selfFloats)
  assert.deepEqual(faces[1], { x: 0, y: 0, width: 1264, height: 676 })
  assert.ok(faces[0]!.width < 250)
})

test("four people on a wide stage make two rows of two", () => {
  const { faces } = arrange(4, 0, 1264, 676, 8)
  assert.equal(new Set(faces.map(({ x }) => x)).size, 2)
  assert.equal(new Set(faces.map(({ y }) => y)).size, 2)
})

test("a last row that is not full stands in the middle", () => {
  const [first, , , fourth, fifth] = arrange(5, 0, 1264, 676, 8).faces
  assert.ok(fourth!.x > first!.x)
  assert.equal(fourth!.x, 1264 - fifth!.x - fifth!.width)
})

test("a shared screen has most of the stage", () => {
  for (const [width, height] of STAGES.slice(0, 2)) {
    const { front, faces } = arrange(5, 1, width, height, 8)
    for (const face of faces) assert.ok(front[0]!.width * front[0]!.height > 4 * face.width * face.height)
  }
})
