import assert from "node:assert/strict"
import { test } from "node:test"
import { ownSetup } from "./setup.ts"

test("one end is active and the other passive, whoever may choose (RFC 8842 §5)", () => {
  for (const preferred of ["active", "passive"] as const) {
    assert.equal(ownSetup("active", preferred), "passive")
    assert.equal(ownSetup("passive", preferred), "active")
    assert.equal(ownSetup("actpass", preferred), preferred)
  }
})
