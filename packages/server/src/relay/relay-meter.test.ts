import assert from "node:assert/strict"
import { describe, test } from "node:test"
import type { Transport } from "@tightbeam/webrtc/contract"
import type { AllocationUsage } from "@tightbeam/webrtc/turn"
import { bytesOf, type CostOver, totalOf } from "./cost.ts"
import { type MeterLimits, type RelayCost, RelayMeter } from "./relay-meter.ts"

const START = new Date("2026-11-23T10:00:00Z")
const UNTIL = new Date("2026-11-23T11:00:00Z")

function used(user: string, bytes: number, transport: Transport = "udp", duration = 1_000): AllocationUsage {
  return {
    allocation: 1,
    username: new TextEncoder().encode(`1893456000:${user}`),
    transport,
    packetsToPeers: 1,
    bytesToPeers: bytes,
    packetsToClient: 2,
    bytesToClient: 2 * bytes,
    packetsJoined: 1,
    bytesJoined: bytes / 2,
    duration,
  }
}

const meterWith = (limits: Partial<MeterLimits> = {}): RelayMeter => new RelayMeter(START, limits)

/** An allocation from its beginning to its end. */
function relayed(meter: RelayMeter, usage: AllocationUsage, now = 0): void {
  meter.allocated(usage.username, now)
  meter.freed(usage, now)
}

const shape = ({ rooms, others }: RelayCost): object => ({
  rooms: rooms.map(({ room, participants, others: few }) => ({
    room,
    participants: participants.map(each => [each.participant, bytesOf(each.over)]),
    others: bytesOf(few),
  })),
  others: bytesOf(others),
})

/** Everything that the view names or sums up, added: nothing may get lost or be counted twice. */
function sumOf({ rooms, others }: RelayCost): number {
  const parts: CostOver[] = [others]
  for (const { total, participants, others: few } of rooms) {
    const own = [few, ...participants.map(({ over }) => over)]
    assert.equal(
      bytesOf(total),
      own.reduce((sum, over) => sum + bytesOf(over), 0),
    )
    parts.push(...own)
  }
  return parts.reduce((sum, over) => sum + bytesOf(over), 0)
}

describe("RelayMeter", () => {
  test("says what each room cost, who relayed, and over what; what lives is added to what ended", () => {
    const meter = meterWith()
    relayed(meter, used("blue:ada", 100))
    meter.allocated(used("blue:ada", 0).username, 0)
    meter.allocated(used("red:ben", 0).username, 0)
    const live = [used("blue:ada", 10, "tls", 500), used("red:ben", 1, "tcp")]
    const { rooms, ...rest } = meter.report(live, 0, UNTIL)
    const ada = {
      udp: { allocations: 1, live: 0, seconds: 1, packetsToPeers: 1, bytesToPeers: 100 },
      tls: { allocations: 1, live: 1, seconds: 0.5, packetsToPeers: 1, bytesToPeers: 10 },
    }
    const all = { packetsToClients: 2, packetsJoined: 1 }
    const blue = {
      udp: { ...ada.udp, ...all, bytesToClients: 200, bytesJoined: 50 },
      tls: { ...ada.tls, ...all, bytesToClients: 20, bytesJoined: 5 },
    }
    const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))
    assert.deepEqual(plain(rooms[0]), {
      room: "blue",
      total: blue,
      participants: [{ participant: "ada", over: blue }],
      others: {},
    })
    assert.deepEqual([rooms[1]!.room, Object.keys(rooms[1]!.total), rooms.length], ["red", ["tcp"], 2])
    assert.deepEqual(totalOf(rest.total).live, 2)
    assert.deepEqual(
      [rest.view, rest.since, rest.until, rest.others],
      ["relay.cost", START.toISOString(), UNTIL.toISOString(), {}],
    )
  })

  test("asking changes nothing, and an end moves what lived without a gap", () => {
    const meter = meterWith()
    const usage = used("blue:ada", 100)
    meter.allocated(usage.username, 0)
    const before = [meter.report([usage], 0, UNTIL), meter.report([usage], 0, UNTIL)]
    assert.deepEqual(before[0], before[1])
    meter.freed(usage, 0)
    assert.equal(sumOf(meter.report([], 0, UNTIL)), 300)
    assert.equal(bytesOf(meter.total([])), 300)
  })

  test("a room is kept for a while after its last allocation, and its cost for ever", () => {
    const meter = meterWith({ keep: 60_000 })
    relayed(meter, used("blue:ada", 1), 0)
    relayed(meter, used("red:ben", 2), 30_000)
    meter.allocated(used("green:cy", 4).username, 0)
    assert.equal(meter.report([], 59_999, UNTIL).rooms.length, 3)
    const later = meter.report([], 60_000, UNTIL)
    assert.deepEqual(shape(later), {
      rooms: [
        { room: "red", participants: [["ben", 6]], others: 0 },
        { room: "green", participants: [], others: 0 },
      ],
      others: 3,
    })
    // The one that runs is kept however long it takes.
    assert.deepEqual(
      meter.report([used("green:cy", 4)], 10_000_000, UNTIL).rooms.map(({ room }) => room),
      ["green"],
    )
  })

  test("a room that goes on after a pause is the same room", () => {
    const meter = meterWith({ keep: 60_000 })
    relayed(meter, used("blue:ada", 1), 0)
    relayed(meter, used("blue:ada", 1), 50_000)
    assert.equal(bytesOf(meter.report([], 100_000, UNTIL).rooms[0]!.total), 6)
  })

  test("beyond `rooms` the one that ended first loses its name, those that run last", () => {
    const meter = meterWith({ rooms: 2 })
    relayed(meter, used("first:a", 1))
    relayed(meter, used("second:a", 2))
    meter.allocated(used("third:a", 4).username, 0)
    meter.allocated(used("fourth:a", 8).username, 0)
    // Both names are of rooms that run.
    relayed(meter, used("fifth:a", 16))
    const live = [used("third:a", 4), used("fourth:a", 8)]
    assert.deepEqual(shape(meter.report(live, 0, UNTIL)), {
      rooms: [
        { room: "fourth", participants: [["a", 24]], others: 0 },
        { room: "third", participants: [["a", 12]], others: 0 },
      ],
      others: 3 * (1 + 2 + 16),
    })
  })

  test("beyond `participantsPerRoom` who cost least loses the name, alive or not", () => {
    const meter = meterWith({ participantsPerRoom: 2 })
    for (const [name, bytes] of [
      ["a", 5],
      ["b", 1],
      ["c", 3],
    ] as const)
      relayed(meter, used(`blue:${name}`, bytes))
    meter.allocated(used("blue:d", 0).username, 0)
    assert.deepEqual(shape(meter.report([used("blue:d", 4)], 0, UNTIL)), {
      rooms: [
        {
          room: "blue",
          participants: [
            ["a", 15],
            ["d", 12],
          ],
          others: 3 * (1 + 3),
        },
      ],
      others: 0,
    })
  })

  test("names are whatever came: none, with colons, no UTF-8", () => {
    const meter = meterWith()
    for (const user of ["only-a-name", "blue:a:b", ":x", ""]) relayed(meter, used(user, 1))
    relayed(meter, { ...used("", 1), username: Uint8Array.of(0x31, 0x3a, 0xff, 0x3a, 0xfe) })
    relayed(meter, { ...used("", 1), username: new Uint8Array(0) })
    relayed(meter, used("__proto__:constructor", 1))
    const view = JSON.parse(JSON.stringify(meter.report([], 0, UNTIL))) as RelayCost
    assert.deepEqual(
      view.rooms.map(({ room, participants }) => [room, participants.map(each => each.participant)]),
      [
        ["", ["", "only-a-name", "x"]],
        ["blue", ["a:b"]],
        ["\ufffd", ["\ufffd"]],
        ["__proto__", ["constructor"]],
      ],
    )
    assert.equal(sumOf(view), 3 * 7)
  })

  test("10,000 rooms of strangers leave the table full, not larger, and every byte counted", () => {
    const meter = meterWith()
    for (let i = 0; i < 10_000; i++) relayed(meter, used(`room"${i}\n%:who\u001b${i}`, i))
    for (let i = 0; i < 10_000; i++) relayed(meter, used(`one room:who${i}`, i))
    assert.equal(meter.rooms, 1_000)
    const view = meter.report([], 0, UNTIL)
    assert.equal(view.rooms.length, 1_000)
    assert.equal(view.rooms[0]!.participants.length, 20)
    const each = (3 * 10_000 * 9_999) / 2
    assert.equal(sumOf(view), 2 * each)
    assert.equal(bytesOf(view.total), 2 * each)
  })
})
