import assert from "node:assert/strict"
import { test } from "node:test"
import type { RemoteParticipant } from "@tightbeam/client"
import { type ConnectionReading, readConnection } from "./connection-reading.ts"
import { FakeRoom } from "./gallery/fake-room.ts"
import { timelineAt } from "./gallery/fake-timeline.ts"
import { assess, type Others } from "./quality.ts"
import { QualityWatch } from "./quality-watch.ts"

const START: ConnectionReading = {
  at: 0,
  packetsReceived: 0,
  packetsLost: 0,
  framesReceived: 0,
  framesDropped: 0,
  frozenFor: 0,
  jitter: undefined,
  roundTripTime: undefined,
  lostOut: undefined,
  limitedBy: undefined,
  size: undefined,
  relayedOver: undefined,
}
const ALONE: Others = { lostIn: undefined, lostOut: undefined }

const after = (change: Partial<ConnectionReading>, others = ALONE, sends = true) =>
  assess(
    START,
    { ...START, at: 4_000, packetsReceived: 1_000, framesReceived: 100, ...change },
    "Ben",
    sends,
    others,
  )

test("a connection without fault is good, and says nothing", () => {
  const { grade, reasons } = after({ roundTripTime: 40, jitter: 8, lostOut: 0 })
  assert.equal(grade, "good")
  assert.deepEqual(reasons, [])
})

for (const { what, change, grade, reason } of [
  {
    what: "some loss",
    change: { packetsLost: 60 },
    grade: "fair",
    reason: /^6 % of packets are lost .* from Ben to you/,
  },
  { what: "much loss", change: { packetsLost: 200 }, grade: "poor", reason: /^17 % of packets are lost/ },
  {
    what: "loss on the way there",
    change: { lostOut: 0.08 },
    grade: "fair",
    reason: /^8 % .* from you to Ben/,
  },
  { what: "a long way", change: { roundTripTime: 450 }, grade: "fair", reason: /450 ms there and back/ },
  { what: "a very long way", change: { roundTripTime: 900 }, grade: "poor", reason: /900 ms/ },
  { what: "jitter", change: { jitter: 80 }, grade: "fair", reason: /unevenly, by 80 ms/ },
  { what: "a frozen picture", change: { frozenFor: 2 }, grade: "poor", reason: /picture stood still/ },
  { what: "dropped pictures", change: { framesDropped: 30 }, grade: "fair", reason: /too slow to show/ },
  { what: "a slow encoder", change: { limitedBy: "cpu" }, grade: "fair", reason: /too slow to encode/ },
  {
    what: "a narrow uplink",
    change: { limitedBy: "bandwidth" },
    grade: "fair",
    reason: /little bandwidth from you/,
  },
  { what: "silence", change: { packetsReceived: 0 }, grade: "lost", reason: /^Nothing has arrived from Ben/ },
] as const)
  test(`${what} is ${grade}, and why`, () => {
    const found = after(change)
    assert.equal(found.grade, grade)
    assert.match(found.reasons[0]!, reason)
  })

test("a relay over TCP is told, and is no fault by itself", () => {
  const { grade, reasons } = after({ relayedOver: "TCP" })
  assert.equal(grade, "good")
  assert.match(reasons[0]!, /^Relayed over TCP/)
  assert.deepEqual(after({ relayedOver: "UDP" }).reasons, [])
})

test("the other connections tell whose line loses packets", () => {
  assert.match(after({ packetsLost: 80 }, { lostIn: 0, lostOut: 0 }).reasons[0]!, /^Ben’s uplink loses 7 %/)
  assert.match(
    after({ packetsLost: 80 }, { lostIn: 0.06, lostOut: 0 }).reasons[0]!,
    /^Your downlink loses 7 %/,
  )
  assert.match(after({ lostOut: 0.08 }, { lostIn: 0, lostOut: 0.05 }).reasons[0]!, /^Your uplink loses 8 %/)
})

test("who is muted and sends nothing is not lost; too few packets say nothing", () => {
  assert.equal(after({ packetsReceived: 0 }, ALONE, false).grade, "good")
  assert.equal(after({ packetsReceived: 5, packetsLost: 5 }).grade, "good")
})

test("the worst reason comes first", () => {
  const { grade, reasons } = after({ limitedBy: "cpu", roundTripTime: 900 })
  assert.equal(grade, "poor")
  assert.match(reasons[0]!, /there and back/)
  assert.equal(reasons.length, 2)
})

const reportOf = (...stats: Record<string, unknown>[]) =>
  new Map(stats.map((each, i) => [String(each.id ?? i), each])) as unknown as RTCStatsReport

test("a reading takes what a browser gives, and does without the rest", () => {
  assert.deepEqual(readConnection(reportOf(), 7), { ...START, at: 7 })
  const reading = readConnection(
    reportOf(
      { id: "t", type: "transport", selectedCandidatePairId: "p" },
      { id: "p", type: "candidate-pair", currentRoundTripTime: 0.05, localCandidateId: "l" },
      { id: "l", type: "local-candidate", relayProtocol: "tcp" },
      { type: "inbound-rtp", kind: "audio", packetsReceived: 100, packetsLost: 2, jitter: 0.004 },
      {
        type: "inbound-rtp",
        kind: "video",
        packetsReceived: 200,
        packetsLost: 1,
        jitter: 0.02,
        framesReceived: 50,
        framesDropped: 3,
        totalFreezesDuration: 0.5,
        frameWidth: 640,
        frameHeight: 360,
        framesPerSecond: 24.4,
      },
      { type: "outbound-rtp", kind: "video", qualityLimitationReason: "bandwidth" },
      { type: "remote-inbound-rtp", kind: "audio", fractionLost: 0.02, roundTripTime: 0.06 },
    ),
    9,
  )
  assert.deepEqual(reading, {
    at: 9,
    packetsReceived: 300,
    packetsLost: 3,
    framesReceived: 50,
    framesDropped: 3,
    frozenFor: 0.5,
    jitter: 20,
    roundTripTime: 60,
    lostOut: 0.02,
    limitedBy: "bandwidth",
    size: "640 × 360, 24 a second",
    relayedOver: "TCP",
  })
})

function watched(...participants: RemoteParticipant[]) {
  let packets = 0
  let asked = 0
  const make = () => ({
    getStats: () => {
      asked++
      packets += 100
      return Promise.resolve(reportOf({ type: "inbound-rtp", kind: "audio", packetsReceived: packets }))
    },
  })
  const state = { connection: make() as ReturnType<typeof make> | undefined }
  const room = new FakeRoom({ participants })
  const watch = new QualityWatch({
    snapshot: {
      get value() {
        return room.snapshot()
      },
    },
    connection: () => state.connection,
  })
  return { room, watch, state, make, asked: () => asked }
}

const ben: RemoteParticipant = {
  id: "p1",
  name: "Ben",
  away: false,
  host: false,
  hand: null,
  publications: [],
  timeline: timelineAt("p1", "end"),
}

test("each connection is asked once a look, and judged from the second on", async () => {
  const { watch, asked } = watched(ben)
  assert.equal((await watch.look(0)).size, 0)
  assert.equal((await watch.look(2_000)).get("p1")?.grade, "good")
  assert.equal(asked(), 2)
})

test("a new connection begins anew, and who left is forgotten", async () => {
  const { watch, state, make, room } = watched(ben)
  await watch.look(0)
  await watch.look(2_000)
  state.connection = make()
  assert.equal((await watch.look(4_000)).size, 0)
  room.set({ participants: [] })
  assert.equal((await watch.look(6_000)).size, 0)
})

test("a connection that is broken is lost, measured or not", async () => {
  const { watch, state } = watched({ ...ben, timeline: timelineAt("p1", "checks", "recovering", "") })
  state.connection = undefined
  assert.equal((await watch.look(0)).get("p1")?.grade, "lost")
})
