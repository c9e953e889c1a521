import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { type Fate, Pair } from "./testing/pair.ts"

/** Loses the datagrams of one end from `first` on, `count` of them. */
function losing(pair: Pair, end: "client" | "server", first: number, count: number): Fate {
  let seen = 0
  return (bytes, from) => {
    if (from !== pair[end]) return bytes
    const number = seen++
    return number >= first && number < first + count ? undefined : bytes
  }
}

const flightsOf = (pair: Pair, end: "client" | "server") =>
  pair[end].evidence.filter(each => each.layer === "dtls" && each.kind === "flight").length

describe("retransmission", () => {
  test("1.2: the server's last flight, lost, is sent again to who repeats theirs, under whatever record numbers (RFC 6347 §4.2.4)", () => {
    const pair = new Pair({ versions: ["1.2"] }, { versions: ["1.2"] })
    const finished: Uint8Array[] = []
    pair.fate = (bytes, from) => {
      if (from === pair.server && bytes[0] === 20) {
        finished.push(bytes)
        return finished.length === 1 ? undefined : bytes
      }
      // A client that numbers its records anew with each retransmission: its Finished seems to be a replay.
      const at = from === pair.client ? finishedAt(bytes) : -1
      return at >= 0 && finished.length > 0 ? bytes.subarray(0, at) : bytes
    }
    pair.start().run(10_000)
    assert.ok(pair.isConnected)
    assert.ok(finished.length >= 2)
  })

  test("follows the round trip that ICE measured, with no least time", () => {
    for (const [roundTrip, expected] of [
      [20, 65],
      [200, 425],
    ] as const) {
      const pair = new Pair()
      pair.client.connection.roundTrip(roundTrip)
      pair.fate = () => undefined
      pair.start()
      assert.equal(pair.client.connection.nextTick, expected)
    }
  })

  test("waits longer each time, up to a limit, and gives up in the end, saying so", () => {
    const pair = new Pair({ limits: { firstRetransmission: 100, retransmission: 400, handshake: 5_000 } })
    pair.fate = () => undefined
    pair.start().run(10_000)
    assert.equal(pair.client.connection.state, "failed")
    assert.match(pair.client.events.at(-1)!.why, /no handshake within 5000 ms/)
    // 0, 100, 300, 700, and then each 400 ms.
    assert.equal(flightsOf(pair, "client"), 4 + Math.floor((4_999 - 700) / 400))
  })

  test("1.3: of a flight only what is missing is sent again (RFC 9147 §7)", () => {
    const pair = new Pair({ versions: ["1.3"], mtu: 400 }, { versions: ["1.3"], mtu: 400 })
    pair.fate = losing(pair, "server", 4, 1)
    pair.start().run(5_000)
    assert.ok(pair.isConnected)
    const whole = pair.server.sent.slice(0, 6).reduce((sum, { length }) => sum + length, 0)
    const all = pair.server.sent.reduce((sum, { length }) => sum + length, 0)
    assert.ok(all < whole + 2 * 400 + 100, `${all} bytes, where one flight has ${whole}`)
  })

  test("1.3: the client's last flight is sent until it is acknowledged, and no longer", () => {
    const pair = new Pair({ versions: ["1.3"] }, { versions: ["1.3"] })
    pair.fate = losing(pair, "client", 2, 3)
    pair.start().run(20_000)
    assert.ok(pair.isConnected)
    assert.equal(pair.client.connection.nextTick, Infinity)
    assert.equal(pair.server.connection.nextTick, Infinity)
  })

  test("a copy of every datagram makes nobody send more than twice", () => {
    for (const version of ["1.2", "1.3"] as const) {
      const plain = new Pair({ versions: [version] }, { versions: [version] }).start().run(5_000)
      const pair = new Pair({ versions: [version] }, { versions: [version] })
      pair.fate = (bytes, from) => {
        pair.inject(from === pair.client ? pair.server : pair.client, bytes, pair.delay)
        return bytes
      }
      pair.start().run(5_000)
      assert.ok(pair.isConnected)
      assert.ok(
        pair.sent <= 2 * plain.sent + 2,
        `${version}: ${pair.sent} datagrams, ${plain.sent} without copies`,
      )
    }
  })
})

/** Where the record of epoch 1 begins in a datagram of 1.2; -1 where there is none. */
function finishedAt(bytes: Uint8Array): number {
  for (let at = 0; at + 13 <= bytes.length; at += 13 + bytes[at + 11]! * 256 + bytes[at + 12]!)
    if (bytes[at + 4] === 1) return at
  return -1
}
