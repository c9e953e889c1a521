import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { parseIp } from "../bytes/index.ts"
import { Method } from "../stun/index.ts"
import { SourceBudget } from "./source-budget.ts"
import { Client, LONG_ALLOCATE } from "./testing/client.ts"
import { LISTENER, World } from "./testing/world.ts"

const BUDGET = { strangersBytesPerSecond: 1000, strangersBurst: 2000 }

/** One request from each of so many ports; returns the bytes of the answers. */
function flood(world: World, host: string, count: number, request: (client: Client) => Uint8Array): number {
  let bytes = 0
  for (let port = 1; port <= count; port++) {
    const client = new Client(world, `${host}:${port}`)
    for (const sent of client.send(request(client))) bytes += sent.bytes.length
  }
  return bytes
}

const FLOODS: Record<string, (client: Client) => Uint8Array> = {
  "401": client => client.plain(Method.allocate, LONG_ALLOCATE),
  "401 for wrong credentials": client => client.signed(Method.allocate, () => {}, { password: "wrong" }),
  "438": client => client.signed(Method.refresh, () => {}, { nonce: new Uint8Array(16).fill(65) }),
  "400": client => client.plain(Method.refresh),
  "the answer to a Binding request": client => client.plain(Method.binding),
  "420": client => client.plain(Method.binding, writer => writer.flag(0x7000)),
}

describe("what somebody unauthenticated is sent", () => {
  for (const [what, request] of Object.entries(FLOODS)) {
    test(`past the budget of its source nothing, from whichever port: ${what}`, () => {
      const world = new World({ limits: BUDGET })
      const sent = flood(world, "1.2.3.4", 500, request)
      // The last answer may overdraw; it is paid back, so that the rate holds.
      assert.ok(sent >= 2000 && sent < 2000 + 120, `${sent} bytes`)
      assert.ok(world.server.counters().drops["over-budget"] > 400)
      world.advance(10_000)
      assert.ok(flood(world, "1.2.3.4", 500, request) <= 2000 + 120)
      world.advance(1000)
      const more = flood(world, "1.2.3.4", 500, request)
      assert.ok(more > 0 && more <= 1000 + 120, `${more} bytes in a second`)
    })
  }

  test("another source is served, and so is who is authenticated", () => {
    const world = new World({ limits: BUDGET })
    const ada = new Client(world, "1.2.3.4:60000")
    ada.allocate()
    flood(world, "1.2.3.4", 500, FLOODS["401"]!)
    assert.deepEqual(new Client(world, "1.2.3.4:60001").send(ada.plain(Method.binding)), [])
    assert.equal(ada.refresh(600).code, 0)
    assert.equal(new Client(world, "1.2.3.5:1", "ben").allocate().code, 0)
  })

  test("an IPv6 source is its /64", () => {
    const world = new World({ limits: BUDGET })
    flood(world, "[2a01:0:0:1::1]", 500, FLOODS["401"]!)
    const sent = (host: string) => flood(world, host, 1, FLOODS["401"]!)
    assert.equal(sent("[2a01:0:0:1:ffff::2]"), 0)
    assert.ok(sent("[2a01:0:0:2::1]") > 0)
  })

  test("over a connection, which cannot be spoofed, it is not limited", () => {
    const world = new World({ limits: BUDGET })
    world.paths.carry(LISTENER, "tcp")
    flood(world, "1.2.3.4", 500, FLOODS["401"]!)
    assert.equal(world.server.counters().drops["over-budget"], 0)
  })

  test("by default an office of 1,000 behind one address can begin at once", () => {
    const world = new World()
    const office = Array.from({ length: 1000 }, (_, i) => new Client(world, `1.2.3.4:${i + 1}`))
    for (const client of office) client.challenge(LONG_ALLOCATE)
    assert.equal(world.server.counters().drops["over-budget"], 0)
  })
})

test("so many sources are remembered, and the one unseen for longest is forgotten", () => {
  const budget = new SourceBudget({ bytesPerSecond: 1, burst: 10, sources: 1000 })
  const of = (i: number) => budget.of(Uint8Array.of(10, 0, i >> 8, i))
  const first = of(0)
  const second = of(1)
  for (let i = 2; i < 5000; i++) {
    of(i)
    assert.equal(of(0), first, "who is seen again is kept")
  }
  assert.equal(budget.size, 1000)
  assert.notEqual(of(1), second)
  assert.equal(
    budget.of(parseIp("::ffff:10.0.0.0")!),
    first,
    "one address has one budget, however it is written",
  )
})
