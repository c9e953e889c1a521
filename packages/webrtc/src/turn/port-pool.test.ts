import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import fc from "fast-check"
import { Deadlines, type Due } from "../contract/index.ts"
import { PortPool } from "./port-pool.ts"
import { RandomPool } from "./random-pool.ts"
import { Client } from "./testing/client.ts"
import { address, seededCrypto, World } from "./testing/world.ts"

describe("PortPool", () => {
  test("free and used are all, after any operations", () => {
    const operations = fc.array(
      fc.oneof(
        fc.constant({ type: "take" as const }),
        fc.record({ type: fc.constantFrom("claim", "release"), port: fc.integer({ min: 1000, max: 1015 }) }),
      ),
    )
    fc.assert(
      fc.property(operations, steps => {
        const random = new RandomPool(nodeCrypto)
        const pool = new PortPool(1000, 1015, new Uint8Array(65_536))
        const used = new Set<number>()
        for (const step of steps) {
          if (step.type === "take") {
            const port = pool.take(random)
            assert.equal(port === undefined, used.size === 16)
            if (port === undefined) continue
            assert.ok(port >= 1000 && port <= 1015 && !used.has(port))
            used.add(port)
          } else if (!("port" in step)) continue
          else if (step.type === "claim") {
            if (used.has(step.port)) assert.throws(() => pool.claim(step.port), RangeError)
            else pool.claim(step.port)
            used.add(step.port)
          } else {
            if (used.has(step.port)) pool.release(step.port)
            else assert.throws(() => pool.release(step.port), RangeError)
            used.delete(step.port)
          }
          assert.equal(pool.used, used.size)
          assert.equal(pool.free + pool.used, pool.total)
          for (let port = 999; port <= 1016; port++) {
            assert.equal(pool.isFree(port), pool.contains(port) && !used.has(port))
          }
        }
      }),
      { numRuns: 200 },
    )
  })

  test("every port comes up about as often as every other", () => {
    const random = new RandomPool(nodeCrypto)
    const pool = new PortPool(1, 10, new Uint8Array(65_536))
    const counts = new Map<number, number>()
    for (let i = 0; i < 10_000; i++) {
      const port = pool.take(random)!
      counts.set(port, (counts.get(port) ?? 0) + 1)
      pool.release(port)
    }
    assert.equal(counts.size, 10)
    for (const count of counts.values()) assert.ok(Math.abs(count - 1000) < 250, `${count} times of 10,000`)
  })

  test("the server's ports: whatever is allocated, failed, freed and expired, none is lost", () => {
    const steps = fc.array(
      fc.record({
        what: fc.constantFrom(
          "allocate",
          "allocate6",
          "allocate both",
          "pair",
          "free",
          "free IPv4",
          "lose",
          "advance",
          "occupy",
          "answer",
          "hold",
        ),
        who: fc.nat(9),
      }),
      { minLength: 1, maxLength: 40 },
    )
    fc.assert(
      fc.property(steps, fc.nat(), (script, seed) => {
        const limits = { bindTries: 3, allocationsPerUser: 6 }
        const world = new World({
          crypto: seededCrypto(seed),
          relayPorts: { min: 50_000, max: 50_009 },
          limits,
        })
        const clients = Array.from(
          { length: 10 },
          (_, i) => new Client(world, `1.2.3.${i}:5000`, `p${i % 2}`),
        )
        for (const { what, who } of script) {
          const client = clients[who]!
          if (client.nonce === undefined) client.challenge()
          if (what === "hold") world.binds = "held"
          if (what === "answer") world.answerBinds()
          if (what === "occupy") world.occupied.add(50_000 + who)
          if (what === "advance") world.advance(who * 100_000)
          if (what.startsWith("free")) {
            client.send(
              client.signed(0x004, writer => {
                writer.uint32(0x000d, 0)
                if (what === "free IPv4") writer.addressFamily(0x0017, 1)
              }),
            )
          }
          if (what === "lose") world.lose(client.address)
          if (what.startsWith("allocate") || what === "pair") {
            client.send(
              client.signed(0x003, writer => {
                writer.requestedTransport(17)
                if (what === "pair") writer.evenPort(true)
                if (what === "allocate6") writer.addressFamily(0x0017, 2)
                if (what === "allocate both") writer.addressFamily(0x8000, 2)
              }),
            )
          }
          const { allocations, freePorts, reservedPorts } = world.server.counters()
          const known = freePorts + allocations + reservedPorts
          // A bind that is awaited may keep ports aside: those tried before it, and one to be reserved.
          const aside = world.asked.length * (limits.bindTries + 1)
          assert.ok(known <= 20 && known + aside >= 20)
          // Whose connection ended may have a bind under way all the same.
          assert.ok(world.sockets.size <= allocations + reservedPorts)
          assert.ok(world.sockets.size >= allocations - world.asked.length)
        }
        world.close()
        world.answerBinds()
        assert.equal(world.server.counters().freePorts, 20)
        assert.equal(world.sockets.size, 0)
        assert.equal(world.paths.held, 0)
      }),
      { numRuns: 60 },
    )
  })

  test("what is refreshed, bound and permitted at random ends with nothing held", () => {
    const world = new World({ crypto: seededCrypto(7) }, 300)
    const clients = Array.from({ length: 5 }, (_, i) => new Client(world, `1.2.3.${i}:5000`))
    for (let i = 0; i < 3000; i++) {
      const client = clients[i % 5]!
      if (client.nonce === undefined) client.challenge()
      const peer = address(`8.8.8.${(i * 7) % 40}:${9000 + ((i * 13) % 3)}`)
      const choice = (i * 31) % 11
      const answer =
        choice < 2
          ? client.allocate()
          : choice < 4
            ? client.permit(peer)
            : choice < 9
              ? client.bind(0x4000 + ((i * 17) % 60), peer)
              : client.refresh(choice === 10 && i % 7 === 0 ? 0 : 600)
      if (answer.code === 438) client.nonce = answer.message.value(0x0015)!.slice()
      if (i % 10 === 0) world.advance(20_000)
    }
    world.advance(3_600_000)
    assert.equal(world.server.counters().allocations, 0)
    assert.equal(world.server.nextTick, Infinity)
    assert.equal(world.paths.held, 0)
  })
})

describe("Deadlines", () => {
  test("gives out what is due, in order, after any changes", () => {
    const operations = fc.array(fc.tuple(fc.nat(15), fc.integer({ min: -1, max: 100 })), { maxLength: 100 })
    fc.assert(
      fc.property(operations, fc.nat(100), (changes, now) => {
        const deadlines = new Deadlines<Due>()
        const items: Due[] = Array.from({ length: 16 }, () => ({ due: Infinity, place: -1 }))
        const expected = new Map<Due, number>()
        for (const [which, due] of changes) {
          const item = items[which]!
          if (due < 0) {
            deadlines.remove(item)
            expected.delete(item)
          } else {
            deadlines.set(item, due)
            expected.set(item, due)
          }
          assert.equal(deadlines.next, Math.min(Infinity, ...expected.values()))
          assert.equal(deadlines.size, expected.size)
        }
        const taken: number[] = []
        for (let item = deadlines.take(now); item; item = deadlines.take(now)) taken.push(item.due)
        assert.deepEqual(
          taken,
          [...expected.values()].filter(due => due <= now).sort((a, b) => a - b),
        )
      }),
    )
  })
})
