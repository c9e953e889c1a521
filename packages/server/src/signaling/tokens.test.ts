import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { SignJWT, UnsecuredJWT } from "jose"
import { issueToken, verifyToken } from "./tokens.ts"

const secret = new TextEncoder().encode("0123456789abcdef0123456789abcdef")
const other = new TextEncoder().encode("another secret, also long enough")

describe("Join tokens", () => {
  test("open the room they are for, with what they grant, for as long as they say", async () => {
    const verdict = await verifyToken(
      await issueToken({ room: "standup", ttl: 60 }, secret),
      "standup",
      secret,
    )
    assert.ok(verdict.type === "authorized")
    assert.deepEqual(verdict.grants, { publish: true, host: false })
    assert.ok(verdict.remaining > 55_000 && verdict.remaining <= 65_000)
    assert.match(verdict.tokenId, /^[0-9a-f-]{36}$/)
  })

  test("each has an id of its own", async () => {
    const ids = new Set<string>()
    for (let i = 0; i < 10; i++) {
      const verdict = await verifyToken(await issueToken({ room: "r", ttl: 60 }, secret), "r", secret)
      if (verdict.type === "authorized") ids.add(verdict.tokenId)
    }
    assert.equal(ids.size, 10)
  })

  const bad: [what: string, token: () => Promise<string> | string, code: string][] = [
    ["nonsense", () => "nonsense", "token-invalid"],
    [
      "one signed with another secret",
      () => issueToken({ room: "standup", ttl: 60 }, other),
      "token-invalid",
    ],
    ["one that expired", () => issueToken({ room: "standup", ttl: -60 }, secret), "token-expired"],
    ["one for another room", () => issueToken({ room: "elsewhere", ttl: 60 }, secret), "token-foreign"],
    [
      "one without a signature",
      () => new UnsecuredJWT({ room: "standup" }).setJti("x").setExpirationTime("1 h").encode(),
      "token-invalid",
    ],
    [
      "a JWT of another kind, signed with the same secret",
      () =>
        new SignJWT({ room: "standup" })
          .setProtectedHeader({ alg: "HS256", typ: "JWT" })
          .setJti("x")
          .setExpirationTime("1 h")
          .sign(secret),
      "token-invalid",
    ],
    [
      "one that never expires",
      () =>
        new SignJWT({ room: "standup" })
          .setProtectedHeader({ alg: "HS256", typ: "tightbeam-join+jwt" })
          .setJti("x")
          .sign(secret),
      "token-invalid",
    ],
  ]
  for (const [what, token, code] of bad)
    test(`${what} is ${code}`, async () => {
      assert.deepEqual(await verifyToken(await token(), "standup", secret), { type: "refused", code })
    })

  test("one whose bytes were changed anywhere is worth nothing", async () => {
    const token = await issueToken({ room: "standup", ttl: 60 }, secret)
    for (let i = 0; i < token.length; i += 7) {
      const changed = token.slice(0, i) + (token[i] === "A" ? "B" : "A") + token.slice(i + 1)
      const verdict = await verifyToken(changed, "standup", secret)
      // The last character of base64url may hold bits that do not count.
      if (changed.slice(0, -1) !== token.slice(0, -1))
        assert.equal(verdict.type, "refused", `changed at ${i}`)
    }
  })

  test("what a token does not grant is not granted", async () => {
    const token = await issueToken({ room: "r", ttl: 60, grants: { publish: false } }, secret)
    const verdict = await verifyToken(token, "r", secret)
    assert.ok(verdict.type === "authorized" && !verdict.grants.publish)
  })

  test("only a token that says so makes a host", async () => {
    const grants = async (claim: unknown) => {
      const token = new SignJWT({ room: "r", grants: claim }).setJti("x").setExpirationTime("1 h")
      const signed = await token.setProtectedHeader({ alg: "HS256", typ: "tightbeam-join+jwt" }).sign(secret)
      const verdict = await verifyToken(signed, "r", secret)
      return verdict.type === "authorized" ? verdict.grants.host : undefined
    }
    assert.equal(await grants({ publish: true, host: true }), true)
    for (const claim of [{ host: 1 }, { host: "true" }, { publish: true }, "host", null, undefined])
      assert.equal(await grants(claim), false, JSON.stringify(claim))
  })
})
