import assert from "node:assert/strict"
import { describe, test } from "node:test"
import fc from "fast-check"
import { Internet } from "./internet.ts"
import { bursts, type LineOptions, type LinkOptions } from "./link.ts"
import type { Drop } from "./packet.ts"
import { Probe } from "./testing/probe.ts"

/** Ada says numbered things to Ben over her link, `gap` ms apart. */
function over(link: LineOptions, count: number, { seed = 1, gap = 0, size = 20 } = {}) {
  const net = new Internet({ seed, link: { delay: 0 } })
  const ada = net.host("ada", { link })
  const ben = new Probe(net.host("ben"), 5000)
  const socket = new Probe(ada, 5000)
  const drops: Drop[] = []
  const arrivals: number[] = []
  let mostQueued = 0
  net.watch(({ what, why, at }) => {
    if (what === "dropped") drops.push(why!)
    if (what === "received") arrivals.push(at)
  })
  for (let i = 0; i < count; i++) {
    socket.say(String(i).padStart(size, "0"), ben)
    mostQueued = Math.max(mostQueued, ada.interfaces[0]!.line.out.queued)
    net.run(gap)
  }
  net.run(600_000)
  return { heard: ben.heard.map(({ text }) => Number(text)), texts: ben.heard, drops, arrivals, mostQueued }
}

const share = fc.double({ min: 0, max: 0.9, noNaN: true })
const anyLink: fc.Arbitrary<LinkOptions> = fc.record(
  {
    delay: fc.nat(500),
    jitter: fc.nat(500),
    loss: fc.oneof(share, fc.record({ goodToBad: share, badToGood: share })),
    duplication: share,
    reordering: share,
    reorderingDelay: fc.nat(500),
    rate: fc.integer({ min: 10_000, max: 10_000_000 }),
    queue: fc.integer({ min: 100, max: 10_000 }),
    mtu: fc.integer({ min: 40, max: 1500 }),
  },
  { requiredKeys: [] },
)

describe("A link", () => {
  test("invents no packet, changes no byte, keeps the order it is not told to break, and its queue", () => {
    fc.assert(
      fc.property(
        anyLink,
        fc.integer(),
        fc.nat(20),
        fc.integer({ min: 3, max: 400 }),
        (link, seed, gap, size) => {
          const { heard, texts, mostQueued } = over(link, 40, { seed, gap, size })
          for (const { text } of texts) assert.match(text, new RegExp(`^[0-9]{${size}}$`))
          const sent = heard.every(number => number >= 0 && number < 40)
          assert.ok(sent, "nothing came that was not said")
          if (!link.duplication) assert.equal(new Set(heard).size, heard.length)
          if (!link.reordering)
            assert.deepEqual(
              heard,
              [...heard].sort((a, b) => a - b),
            )
          if (link.rate !== undefined) assert.ok(mostQueued <= (link.queue ?? 65_536) + 1e-6)
        },
      ),
      { numRuns: 200 },
    )
  })

  test("loses everything that enters it while it is down, and nothing else", () => {
    const net = new Internet(1)
    const ada = net.host("ada")
    const ben = new Probe(net.host("ben"), 5000)
    const socket = new Probe(ada, 5000)
    const { line } = ada.interfaces[0]!
    socket.say("before", ben)
    line.disconnect()
    socket.say("meanwhile", ben)
    net.run(100)
    line.reconnect()
    socket.say("after", ben)
    net.run(100)
    assert.deepEqual(
      ben.heard.map(({ text }) => text),
      ["before", "after"],
    )
  })

  test("loses uniformly or in bursts, the same share", () => {
    const lengths = (numbers: number[]) => {
      const lost = new Set(Array.from({ length: 20_000 }, (_, i) => i))
      for (const number of numbers) lost.delete(number)
      const runs = [...lost].filter(number => !lost.has(number - 1)).length
      return { share: lost.size / 20_000, mean: lost.size / runs }
    }
    const uniform = lengths(over({ loss: 0.1 }, 20_000).heard)
    const bursty = lengths(over({ loss: bursts(0.1, 8) }, 20_000).heard)
    assert.ok(Math.abs(uniform.share - 0.1) < 0.01 && Math.abs(bursty.share - 0.1) < 0.02)
    assert.ok(uniform.mean < 1.3, `uniform losses come ${uniform.mean} at a time`)
    assert.ok(bursty.mean > 6 && bursty.mean < 10, `bursts of ${bursty.mean}, 8 were asked for`)
  })

  test("sends as fast as its rate, and drops what its queue does not hold", () => {
    // 100 bytes each with the headers: 10 ms at 80 kbit/s.
    const { arrivals, drops, heard } = over({ rate: 80_000, queue: 1000, delay: 5 }, 30, { size: 72 })
    assert.deepEqual(heard, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    assert.deepEqual(arrivals.map(Math.round), [15, 25, 35, 45, 55, 65, 75, 85, 95, 105])
    assert.deepEqual(new Set(drops), new Set(["queue full"]))
  })

  test("drops what is larger than its MTU, headers included", () => {
    assert.equal(over({ mtu: 1280 }, 1, { size: 1252 }).heard.length, 1)
    assert.deepEqual(over({ mtu: 1280 }, 1, { size: 1253 }).drops, ["too big"])
  })

  test("brings some twice, and some late, when it is told to", () => {
    const twice = over({ delay: 10, duplication: 0.2 }, 1000).heard
    assert.ok(Math.abs(twice.length - 1200) < 50, `${twice.length} of 1000`)
    const late = over({ delay: 10, reordering: 0.1, reorderingDelay: 50 }, 1000, { gap: 5 }).heard
    const overtaken = late.filter((number, i) => i > 0 && number < late[i - 1]!).length
    assert.ok(overtaken > 50 && overtaken < 150, `${overtaken} of 1000 were overtaken`)
  })

  test("may be worse one way, and change", () => {
    const net = new Internet({ seed: 1, link: { delay: 0 } })
    const ada = net.host("ada", { link: { delay: 10, in: { delay: 100 } } })
    const ben = new Probe(net.host("ben"), 5000)
    const socket = new Probe(ada, 5000)
    const arrivals: number[] = []
    net.watch(({ what, at }) => what === "received" && arrivals.push(at))
    socket.say("out", ben)
    net.run(50)
    ben.say("in", socket)
    net.run(200)
    ada.interfaces[0]!.line.change({ delay: 1 })
    socket.say("out again", ben)
    net.run(50)
    assert.deepEqual(arrivals, [10, 150, 251])
  })
})
