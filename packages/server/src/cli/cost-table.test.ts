import assert from "node:assert/strict"
import { test } from "node:test"
import type { Cost, RelayCost } from "../relay/index.ts"
import { costTable } from "./cost-table.ts"

function cost(bytes: number, seconds = 1, live = 0): Cost {
  return {
    allocations: 1,
    live,
    seconds,
    packetsToPeers: 2,
    bytesToPeers: bytes,
    packetsToClients: 3,
    bytesToClients: 2 * bytes,
    packetsJoined: 1,
    bytesJoined: bytes >> 1,
  } as Cost
}

const view = (rooms: RelayCost["rooms"], rest: Partial<RelayCost> = {}): RelayCost => ({
  view: "relay.cost",
  version: 1,
  since: "2026-11-23T10:00:00.000Z",
  until: "2026-11-23T11:00:00.000Z",
  total: {},
  rooms,
  others: {},
  ...rest,
})

test("people read what each room cost, who relays, over what", () => {
  const ada = { udp: cost(1_234_567, 90, 1), tls: cost(999, 7_200) }
  const text = costTable(
    view(
      [
        {
          room: "blue",
          total: ada,
          participants: [{ participant: "ada", over: ada }],
          others: { tcp: cost(1) },
        },
      ],
      {
        total: ada,
        others: { udp: cost(5) },
      },
    ),
  )
  assert.equal(
    text,
    [
      "The relay from 2026-11-23T10:00:00.000Z to 2026-11-23T11:00:00.000Z",
      "",
      "ROOM, PARTICIPANT   OVER      TO PEERS   TO CLIENTS     JOINED   PACKETS   RELAYED   NOW",
      "blue                tls udp     1.2 MB       2.5 MB   617.8 kB        10     2.0 h     1",
      "  ada               udp         1.2 MB       2.5 MB   617.3 kB         5   1.5 min     1",
      "  ada               tls          999 B       2.0 kB      499 B         5     2.0 h     0",
      "  (others)          tcp            1 B          2 B        0 B         5       1 s     0",
      "(other rooms)       udp            5 B         10 B        2 B         5       1 s     0",
      "all                 tls udp     1.2 MB       2.5 MB   617.8 kB        10     2.0 h     1",
    ].join("\n"),
  )
})

test("a name moves no cursor, colours nothing, makes no line, and stays short", () => {
  const evil = '\u001b[2J\u001b]0;owned\u0007\nall  100 TB\r\u202e"%s'
  const text = costTable(
    view([
      {
        room: evil,
        total: { udp: cost(1) },
        participants: [{ participant: evil.repeat(20), over: { udp: cost(1) } }],
        others: {},
      },
    ]),
  )
  // oxlint-disable-next-line no-control-regex -- they are what this is about
  assert.doesNotMatch(text.replaceAll("\n", ""), /[\u0000-\u001f\u007f-\u009f\u202e]/)
  assert.equal(text.split("\n").length, 6)
  for (const line of text.split("\n")) assert.ok(line.length < 110, line)
})

test("a relay that nobody used cost nothing", () => {
  assert.match(costTable(view([])), /\nall +0 B +0 B +0 B +0 +0 s +0$/)
})
