import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { test } from "node:test"
import { TightbeamError } from "./errors.ts"

const read = (path: string) => readFileSync(resolve(import.meta.dirname, path), "utf8")

test("every code is explained where its link leads", () => {
  const codes = [
    ...`${read("errors.ts")}${/type ErrorCode =[^]*/.exec(read("messages.ts"))![0]}`.matchAll(
      /^ {2}\| "([a-z-]+)"/gm,
    ),
  ]
  const explained = read("../../../docs/errors.md")
  assert.ok(codes.length > 25)
  for (const [, code] of codes)
    assert.match(explained, new RegExp(`^### ${code}$`, "m"), `docs/errors.md does not explain ${code}`)
})

test("an error says what is wrong, what to do and where to read on", () => {
  const error = new TightbeamError("token-used", "This token was used before.", "Fetch another.", {
    cause: 1,
  })
  assert.equal(error.name, "TightbeamError")
  assert.equal(error.cause, 1)
  assert.match(error.link, /docs\/errors\.md#token-used$/)
})
