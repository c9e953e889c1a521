import assert from "node:assert/strict"
import { createSocket } from "node:dgram"
import { once } from "node:events"
import { monitorEventLoopDelay } from "node:perf_hooks"
import { test } from "node:test"
import { Worker } from "node:worker_threads"
import { parseConfig } from "../config/schema.ts"
import { createLog } from "../log/index.ts"
import { Relay } from "./relay.ts"

const COUNT = 1_000_000

/** ms for which the event loop may be kept from everything else. */
const MAX_DELAY = 50

/** Attributes of RFC 8656 §18, RFC 6062 §6.2, RFC 5780 §7 and RFC 8016 §3.3 with values that a server acts on, well-formed and padded. */
const ATTRIBUTES: readonly [type: number, value: Uint8Array][] = [
  [0x0003, Uint8Array.of(0, 0, 0, 6)],
  [0x0006, new TextEncoder().encode("1893456000:standup:ada")],
  [0x0008, new Uint8Array(20).fill(0x5a)],
  [0x000c, Uint8Array.of(0x40, 0x01, 0, 0)],
  [0x000d, Uint8Array.of(0, 0, 0x0e, 0x10)],
  [0x0012, Uint8Array.of(0, 1, 0x21, 0x12, 0x5e, 0x12, 0xa4, 0x43)],
  [0x0013, new Uint8Array(100).fill(7)],
  [0x0014, new TextEncoder().encode("beam")],
  [0x0015, new Uint8Array(24).fill(0x41)],
  [0x0019, Uint8Array.of(17, 0, 0, 0)],
  [0x0018, Uint8Array.of(0x80)],
  [0x0026, new Uint8Array(40)],
  [0x0027, Uint8Array.of(0x17, 0x70, 0, 0)],
  [0x002a, Uint8Array.of(1, 2, 3, 4)],
  [0x8028, Uint8Array.of(1, 2, 3, 4)],
  [0x8030, new Uint8Array(32).fill(0x41)],
]

function stun(type: number, ...attributes: number[]): Uint8Array {
  const body = attributes.flatMap(wanted => {
    const [number, value] = ATTRIBUTES.find(([each]) => each === wanted)!
    const padding = new Uint8Array((4 - (value.length % 4)) % 4)
    return [number >> 8, number & 0xff, 0, value.length, ...value, ...padding]
  })
  const header = [type >> 8, type & 0xff, body.length >> 8, body.length & 0xff, 0x21, 0x12, 0xa4, 0x42]
  return Uint8Array.from([...header, ...new Uint8Array(12).fill(9), ...body])
}

const BINDING = stun(0x0001)

const messages: readonly Uint8Array[] = [
  BINDING,
  stun(0x0001, 0x8028),
  stun(0x0001, 0x0003, 0x0027, 0x8028),
  stun(0x0001, 0x0003, 0x0026),
  stun(0x0003, 0x0019),
  stun(0x0003, 0x0019, 0x0018, 0x0006, 0x0014, 0x0015, 0x0008, 0x8028),
  stun(0x0004, 0x000d, 0x0006, 0x0014, 0x0015, 0x0008),
  stun(0x0004, 0x8030, 0x0006, 0x0014, 0x0015, 0x0008),
  stun(0x0008, 0x0012, 0x0012, 0x0006, 0x0014, 0x0015, 0x0008),
  stun(0x0009, 0x000c, 0x0012, 0x0006, 0x0014, 0x0015, 0x0008),
  stun(0x000a, 0x0012, 0x0006, 0x0014, 0x0015, 0x0008),
  stun(0x000b, 0x002a, 0x0006, 0x0014, 0x0015, 0x0008),
  stun(0x0016, 0x0012, 0x0013),
  stun(0x0101, 0x0012),
  Uint8Array.of(0x40, 0x01, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8),
]

test(`${COUNT} mutated STUN packets at the live port neither end the process nor stall it`, async t => {
  const second = { address: "127.0.0.2", port: 0 }
  const { turn } = parseConfig({
    turn: { address: "127.0.0.1", port: 0, workers: 0, second, mobility: true, tcpPeers: true },
  })
  const relay = await Relay.start({
    turn,
    native: "auto",
    announce: "127.0.0.1",
    secret: new Uint8Array(32),
    listeners: [],
    log: createLog({ level: "warn", form: "json", write: line => assert.fail(line) }),
  })
  t.after(() => relay.close())

  const received = new Int32Array(new SharedArrayBuffer(4))
  const turns = watchTurns(
    () => void relay.counters().then(({ udp }) => Atomics.store(received, 0, udp.received)),
  )
  t.after(() => turns.stop())
  const flood = new Worker(new URL("testing/flood.ts", import.meta.url), {
    workerData: { port: relay.port, count: COUNT, seed: 1, messages, received },
    execArgv: ["--conditions=@tightbeam/source"],
  })
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  await once(flood, "message")
  delay.disable()
  turns.stop()
  const p99 = delay.percentile(99) / 1e6

  const { udp, turn: counters } = await relay.counters()
  t.diagnostic(`${udp.received} received, ${udp.sent} answered`)
  t.diagnostic(
    `longest turn of the event loop: ${turns.ours.toFixed(1)} ms of our own, ${turns.wall.toFixed(1)} ms by the clock`,
  )
  assert.ok(udp.received >= COUNT - 512, `only ${udp.received} arrived`)
  t.diagnostic(`event-loop delay by the clock: p99 ${p99.toFixed(1)} ms`)
  assert.ok(p99 < MAX_DELAY, `event-loop delay p99 ${p99.toFixed(1)} ms by the clock`)
  assert.ok(turns.ours < MAX_DELAY, `the process did not answer for ${turns.ours.toFixed(1)} ms`)
  assert.equal(counters.allocations, 0)

  const client = createSocket("udp4")
  t.after(() => client.close())
  // Whoever flooded it is behind the same address and has used up what it is answered: a client retransmits.
  const ask = () => client.send(BINDING, relay.port, "127.0.0.1")
  const retransmission = setInterval(ask, 100)
  t.after(() => clearInterval(retransmission))
  ask()
  const [answer] = (await once(client, "message")) as [Buffer]
  assert.equal(answer.readUInt16BE(0), 0x0101, "it still answers a Binding request")
})

/**
 * Measures each turn of the event loop, and calls back in each. `wall` is the longest by the clock, `ours` the longest
 * that this thread itself used up: what a busy machine gives to others meanwhile is not our stall.
 */
function watchTurns(each: () => void) {
  const longest = { wall: 0, ours: 0, stop: () => clearTimeout(timer) }
  const used = () => {
    const { user, system } = process.threadCpuUsage()
    return (user + system) / 1000
  }
  let [wall, ours] = [performance.now(), used()]
  let timer = setTimeout(turn, 1)
  function turn() {
    each()
    const [wallNow, oursNow] = [performance.now(), used()]
    longest.wall = Math.max(longest.wall, wallNow - wall)
    longest.ours = Math.max(longest.ours, oursNow - ours)
    ;[wall, ours] = [wallNow, oursNow]
    timer = setTimeout(turn, 1)
  }
  return longest
}
