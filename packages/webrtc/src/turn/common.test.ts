import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import fc from "fast-check"
import { COMMON_LENGTH, Common } from "./common.ts"
import { PortPool } from "./port-pool.ts"
import { RandomPool } from "./random-pool.ts"

const made = (): SharedArrayBuffer => Common.prepare(new SharedArrayBuffer(COMMON_LENGTH), nodeCrypto)

describe("what servers of one process share", () => {
  test("whoever counts, each sees what all have of a name; a count is never too low", () => {
    const change = fc.record({ server: fc.nat(2), name: fc.string({ maxLength: 8 }) })
    fc.assert(
      fc.property(fc.array(change), changes => {
        const memory = made()
        const servers = [new Common(memory), new Common(memory), new Common(memory)]
        const had = new Map<string, number>()
        for (const { server, name } of changes) {
          servers[server]!.users.add(name, 1)
          had.set(name, (had.get(name) ?? 0) + 1)
        }
        for (const [name, count] of had)
          for (const { users } of servers)
            assert.ok(users.of(name) >= count, `${name}: ${users.of(name)}, not ${count}`)
        for (const { server, name } of changes) servers[server]!.users.add(name, -1)
        for (const name of had.keys()) assert.equal(servers[0]!.users.of(name), 0)
      }),
      { numRuns: 30 },
    )
  })

  test("of 10,000 users with one allocation each, hardly one is counted as having more", t => {
    const common = new Common(made())
    const names = Array.from({ length: 10_000 }, (_, i) => `room ${i % 700}:participant ${i}`)
    for (const name of names) common.users.add(name, 1)
    const wrong = names.filter(name => common.users.of(name) !== 1).length
    t.diagnostic(`${wrong} of 10,000`)
    assert.ok(wrong < 100, `${wrong} of 10,000`)
    assert.equal(common.users.of("room 1:participant 1"), 1)
    assert.equal(common.rooms.of("room 1"), 0)
  })

  test("a port is one server's, and free again for all; numbers of allocations are given once", () => {
    const memory = made()
    const random = new RandomPool(nodeCrypto)
    const [one, other] = [new Common(memory), new Common(memory)]
    const [ones, others] = [one, other].map(common => new PortPool(50_000, 50_003, common.ports(4))) as [
      PortPool,
      PortPool,
    ]
    const v6 = new PortPool(50_000, 50_003, one.ports(6))
    const taken = new Set([ones.take(random), others.take(random), ones.take(random), others.take(random)])
    assert.deepEqual(taken, new Set([50_000, 50_001, 50_002, 50_003]))
    assert.equal(ones.take(random), undefined)
    assert.equal(v6.free, 4, "each family has ports of its own")
    others.release(50_001)
    assert.equal(ones.takeEven(random, false), undefined)
    assert.equal(ones.take(random), 50_001)
    ones.enliven(50_001)
    assert.ok(others.isLive(50_001))
    assert.deepEqual([one.nextNumber(), other.nextNumber(), one.nextNumber()], [1, 2, 3])
  })
})
