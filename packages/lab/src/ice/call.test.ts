import assert from "node:assert/strict"
import { test } from "node:test"
import { LabCall } from "./call.ts"
import type { Seat } from "./place.ts"

const seat: Seat = { place: undefined, families: [4] }
const make = () => new LabCall({ seed: 1, ends: [[seat], [seat]], turn: [], tcp: false })

test("a machine that asks for no time but the present is found out, and does not hang the run", () => {
  const call = make()
  const again = () => call.net.schedule.after(0, again)
  again()
  assert.throws(() => call.run(1000), /the clock stands still at 0 ms/)
})

test("a call that nobody makes fails to connect, and time passes nevertheless", () => {
  const call = make()
  call.exchange()
  call.run(5000)
  assert.equal(call.net.now, 5000)
  assert.deepEqual([call.isDone, call.result.outcome], [false, "none"])
  assert.ok(call.agrees, "neither has a pair")
})
