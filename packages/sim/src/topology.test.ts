import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import type { Dependence } from "./filter.ts"
import type { Host } from "./host.ts"
import { Internet } from "./internet.ts"
import type { Network } from "./network.ts"
import { UDP_BLOCKED } from "./policy.ts"
import { type RecordedPacket, Recording } from "./recording.ts"

const dependence = fc.constantFrom<Dependence>(
  "endpoint-independent",
  "address-dependent",
  "address-and-port-dependent",
)
const share = fc.double({ min: 0, max: 0.5, noNaN: true })
const link = fc.record(
  { delay: fc.nat(50), jitter: fc.nat(20), loss: share, reordering: share },
  { requiredKeys: [] },
)

/** Numbers are taken modulo how many there are of what they name. */
const network = fc.record({
  within: fc.nat(),
  isNat: fc.boolean(),
  mapping: dependence,
  filtering: dependence,
  ports: fc.constantFrom("preserved" as const, "random" as const),
  pooling: fc.constantFrom("paired" as const, "arbitrary" as const),
  addresses: fc.integer({ min: 1, max: 3 }),
  hairpinning: fc.boolean(),
  blocksUdp: fc.boolean(),
  subnet: fc.constantFrom("192.168.1.0", "100.64.0.0"),
  link,
})
const step = fc.record({
  act: fc.constantFrom(
    "say",
    "call",
    "call",
    "call",
    "answer",
    "answer",
    "move",
    "reboot",
    "disconnect",
    "reconnect",
  ),
  who: fc.nat(),
  whom: fc.nat(),
  family: fc.constantFrom(4 as const, 6 as const),
  wait: fc.nat(30),
})

interface Plan {
  readonly seed: number
  readonly networks: readonly (typeof network extends fc.Arbitrary<infer T> ? T : never)[]
  readonly steps: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[]
}

/** Any internet, and any things that happen in it. */
function run({ seed, networks, steps }: Plan): Recording {
  const net = new Internet(seed)
  const recording = new Recording(net)
  const all: Network[] = [net]
  const of = <T>(items: readonly T[], index: number): T => items[index % items.length]!
  for (const { within, isNat, blocksUdp, ...options } of networks) {
    const site = { ...options, policy: blocksUdp ? UDP_BLOCKED : {} }
    all.push(isNat ? of(all, within).nat(site) : of(all, within).firewall(site))
  }
  const heard: {
    readonly host: Host
    readonly from: Parameters<Host["send"]>[0]
    readonly to: Parameters<Host["send"]>[0]
  }[] = []
  const hosts = all.flatMap((each, i) =>
    [1, 2].map(number => {
      const host = each.host(`host ${i}.${number}`, { families: [4, 6] })
      host.bind(5000, (_bytes, from, to) => heard.push({ host, from, to }))
      return host
    }),
  )
  const onTheInternet = hosts.slice(0, 2)
  for (const [i, { act, who, whom, family, wait }] of steps.entries()) {
    const host = of(hosts, who)
    const site = of(all, 1 + (whom % Math.max(1, all.length - 1)))
    const payload = Uint8Array.of(i >> 8, i)
    if (act === "say" || act === "call") {
      const address = (of: Host) => ({ ip: of.ips[family === 4 ? 0 : 1]!, port: 5000 })
      host.send(address(host), address(of(act === "call" ? onTheInternet : hosts, whom)), payload)
    } else if (act === "answer" && heard.length > 0) {
      const { host, from, to } = of(heard, whom)
      host.send(to, from, payload)
    } else if (act === "move") {
      host.attach(of(all, whom), { families: [4, 6] })
      host.detach(host.interfaces[0]!)
    } else if (all.length > 1 && act === "reboot") site.reboot()
    else if (all.length > 1 && act === "disconnect") site.line.disconnect()
    else if (all.length > 1 && act === "reconnect") site.line.reconnect()
    net.run(wait)
  }
  net.run(10_000)
  return recording
}

const plan: fc.Arbitrary<Plan> = fc.record({
  seed: fc.integer(),
  networks: fc.array(network, { maxLength: 6, size: "max" }),
  steps: fc.array(step, { minLength: 20, maxLength: 80, size: "max" }),
})

test("In any internet a packet that is sent arrives once or is dropped once, unchanged; the seed decides which", () => {
  let received = 0
  fc.assert(
    fc.property(plan, plan => {
      const recording = run(plan)
      const sent = new Map<number, RecordedPacket>()
      const ended = new Set<number>()
      for (const record of recording.records) {
        const { packet, what, payload } = record
        if (what === "sent") {
          sent.set(packet, record)
          continue
        }
        assert.deepEqual(payload, sent.get(packet)?.payload, "what was never sent is nowhere seen")
        assert.ok(!ended.has(packet), "what has ended goes no further")
        if (what === "received" || what === "dropped") ended.add(packet)
        if (what === "received") received++
      }
      assert.equal(ended.size, sent.size, "every packet ended")
      assert.equal(run(plan).hash, recording.hash)
    }),
    { numRuns: 300 },
  )
  assert.ok(received > 1000, `only ${received} packets arrived: this tests nothing`)
})
