import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import { address } from "../testing/world.ts"
import { challenge, grant, Script, SERVER, SHA1 } from "./testing/script.ts"

const peer = (n: number) => address(`8.8.8.${n}:9000`)

const step = fc.oneof(
  fc.record({ do: fc.constant("allocate" as const) }),
  ...(["permit", "bind", "forget"] as const).map(what => fc.record({ do: fc.constant(what), n: fc.nat(5) })),
  fc.record({ do: fc.constant("advance" as const), ms: fc.constantFrom(1, 500, 40_000, 300_000, 4_000_000) }),
  fc.record({
    do: fc.constant("refuse" as const),
    code: fc.constantFrom(300, 400, 401, 403, 437, 438, 486, 500, 508),
    signed: fc.boolean(),
  }),
  fc.record({ do: fc.constant("grant" as const), signed: fc.boolean() }),
  fc.record({ do: fc.constant("close" as const) }),
  fc.record({ do: fc.constant("connection-closed" as const) }),
)

test("whatever the order of commands and answers: nothing throws, and a closed client holds nothing", () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60 }),
      fc.constantFrom("udp", "tcp"),
      fc.boolean(),
      (steps, transport, isAllocated) => {
        const script = new Script({ limits: { permissions: 4, channels: 3, requests: 2 } }, transport)
        const { client, out } = script
        const path = script.paths.open(0, SERVER)
        let nonce = 0
        const refuse = (code: number, signed: boolean) =>
          script.refuse(code, { ...challenge(`nonce ${nonce++}`), ...(signed ? { sha1: SHA1 } : {}) })
        const answer = (signed: boolean) =>
          script.answer({ fill: grant(SERVER), ...(signed ? { sha1: SHA1 } : {}) })
        const allocate = () => {
          // Only an idle client may be told to: one that holds no path.
          const isIdle = script.paths.holds(path) === 0 && script.events.at(-1)?.type !== "closed"
          if (isIdle) script.allocate()
          else assert.throws(() => script.allocate(), /allocate: this client is/)
        }
        if (isAllocated) {
          allocate()
          refuse(401, false)
          answer(true)
        }
        for (const each of steps) {
          if (each.do === "allocate") allocate()
          else if (each.do === "permit") client.permit([peer(each.n).ip], script.now, out)
          else if (each.do === "bind") client.bindChannel(peer(each.n), script.now, out)
          else if (each.do === "forget") client.forget(peer(each.n).ip, script.now)
          else if (each.do === "advance") script.advance(each.ms)
          else if (each.do === "close") client.close(script.now, out)
          else if (each.do === "connection-closed") client.closed(path, script.now, out)
          else if (script.sent.length === 0) continue
          else if (each.do === "refuse") refuse(each.code, each.signed)
          else if (each.do === "grant") answer(each.signed)
          assert.ok(client.nextTick >= script.now)
        }
        client.close(script.now, out)
        script.advance(200_000)
        assert.equal(script.events.filter(({ type }) => type === "closed").length, 1)
        assert.equal(script.paths.holds(path), 0)
        assert.equal(client.nextTick, Infinity)
        assert.equal(client.send(peer(1), new Uint8Array(1), script.now, out), false)
      },
    ),
    { numRuns: 1000 },
  )
})
