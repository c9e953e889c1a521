import assert from "node:assert/strict"
import { test } from "node:test"
import { isHiddenName, resolveHiddenName } from "./index.ts"

test("only what browsers make up to hide behind is a name to look up", () => {
  assert.ok(isHiddenName("1f4712db-ea17-4bcf-a596-105139dfd8bf.local"))
  assert.ok(isHiddenName("1F4712DB-EA17-4BCF-A596-105139DFD8BF.local"))
  for (const name of [
    "printer.local",
    "example.com",
    "1f4712db-ea17-4bcf-a596-105139dfd8bf.local.example",
    "192.0.2.1",
  ])
    assert.equal(isHiddenName(name), false, name)
})

test("no other name is asked for on the network", async () => {
  const before = performance.now()
  assert.equal(await resolveHiddenName("printer.local"), undefined)
  assert.ok(performance.now() - before < 1_000, "it must not have waited for an answer")
})
