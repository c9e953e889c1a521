import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { cells, nameOf, printMatrix, roundTrips, runCell } from "./matrix.ts"

/** Every so many cells: prime to the width of the matrix, so that all rows and columns have their turn. */
const STRIDE = 5

describe("the matrix", () => {
  test("has every pair of network types, with and without TURN, with and without ICE-TCP", () => {
    assert.equal(new Set(cells.map(nameOf)).size, cells.length)
    for (const turn of [false, true])
      for (const tcp of [false, true])
        for (const name of [
          "symmetric to port-restricted",
          "TLS only to IPv6 only",
          "two homes of one carrier without hairpinning",
        ]) {
          const found = cells.find(
            cell => cell.turn === turn && cell.tcp === tcp && nameOf(cell).startsWith(name),
          )
          assert.ok(found, name)
        }
  })

  for (let block = 0; block < 4; block++) {
    const first = block * (cells.length / 4)
    const { turn, tcp } = cells[first]!
    test(`is as theory says: TURN ${turn}, ICE-TCP ${tcp}`, () => {
      for (let index = first + block; index < first + cells.length / 4; index += STRIDE) {
        const { fault } = runCell(index)
        assert.equal(
          fault,
          undefined,
          `npm run sim -- nat-matrix --seed ${index}  (${nameOf(cells[index]!)})`,
        )
      }
    })
  }

  const numberOf = (name: string) => cells.findIndex(cell => nameOf(cell) === name)

  test("an open network takes one round trip from both descriptions to a pair that works, and pacing", () => {
    const { connected, roundTrip } = runCell(numberOf("public to public, STUN only, without ICE-TCP"))
    assert.ok(connected <= roundTrip + 5, `${connected} ms of ${roundTrip} ms`)
  })

  test("a table shows what carries each call, and marks what is not as theory says", () => {
    const index = numberOf("symmetric to UDP blocked, STUN and TURN, without ICE-TCP")
    const result = runCell(index)
    const shown = printMatrix(new Map([[index, result]]))
    assert.match(shown, new RegExp(`^  sym +R.. ${roundTrips(result).toFixed(1)}/${result.checks}$`, "m"))
    assert.match(printMatrix(new Map([[index, { ...result, fault: "too slow" }]])), /^ {2}sym +!R/m)
  })

  test("a number that is no cell's is refused with how many there are", () => {
    assert.throws(() => runCell(cells.length), new RegExp(`${cells.length} cells`))
  })
})
