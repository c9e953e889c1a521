/** Our TURN client and our TURN server, on a simulated network. */
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { formatAddress, parseIp } from "@tightbeam/webrtc/bytes"
import { overABadLink } from "./testing/bad-link.ts"
import { TurnNetwork } from "./testing/turn-network.ts"

const HOUR = 3_600_000

describe("TurnClient and TurnServer", () => {
  test("allocate, permit, send, bind, send again, close", () => {
    const net = new TurnNetwork({ seed: 1 })
    const [peer] = net.peers
    net.allocate()
    const { relayed, mapped, lifetime } = net.until("allocated")
    assert.match(formatAddress(relayed[0]!), /^5\.5\.5\.5:\d+$/)
    assert.equal(formatAddress(mapped), "1.2.3.4:5000")
    assert.equal(lifetime, 600)
    assert.equal(net.say(peer!, "too early"), false)

    net.permit(peer!)
    assert.deepEqual(net.until("permitted").peers, [peer!.ip])
    assert.ok(net.say(peer!, "by indication"))
    net.run(1000)
    net.bind(peer!)
    assert.equal(net.until("channel-bound").channel, 0x4000)
    assert.ok(net.say(peer!, "by channel"))
    net.run(1000)
    assert.deepEqual(net.heard, [
      { from: "8.8.0.0:7000", text: "by indication" },
      { from: "8.8.0.0:7000", text: "by channel" },
    ])
    // The peer saw the relayed address, and no other.
    assert.deepEqual(new Set(net.echoes[0]!.events), new Set([formatAddress(relayed[0]!)]))
    assert.deepEqual(net.client.counters(), {
      packetsToPeers: 2,
      bytesToPeers: 23,
      packetsFromPeers: 2,
      bytesFromPeers: 23,
      dropped: 0,
    })

    net.close()
    net.until("closed")
    assert.equal(net.server.counters().allocations, 0)
    assert.equal(net.client.nextTick, Infinity)
    assert.equal(net.say(peer!, "too late"), false)
  })

  test("an allocation, its permissions and channels live on for hours, over nonces that go stale", () => {
    const net = new TurnNetwork({
      seed: 2,
      peers: 40,
      link: { loss: 0.1, jitter: 50, duplication: 0.05 },
      server: { limits: { nonceLifetime: 400_000 } },
    })
    net.allocate()
    net.permit(...net.peers)
    for (const peer of net.peers.slice(0, 5)) net.bind(peer)
    net.run(60_000)
    const news = net.driver.events.length
    for (let minutes = 0; minutes < 180; minutes += 7) {
      net.run(7 * 60_000)
      net.heard.length = 0
      for (const peer of net.peers)
        for (let i = 0; i < 20; i++) assert.ok(net.say(peer, "still there?"), `after ${minutes} minutes`)
      net.run(2000)
      for (const peer of net.peers) {
        const from = formatAddress(peer)
        assert.ok(
          net.heard.some(each => each.from === from),
          `${from} after ${minutes} minutes`,
        )
      }
    }
    assert.deepEqual(net.driver.events.slice(news), [], "nothing happened that an owner should know")
    const { allocations, errors } = net.server.counters()
    assert.equal(allocations, 1)
    assert.ok(errors[438]! > 20, "nonces went stale")
    net.close()
    net.until("closed")
    assert.equal(net.server.counters().allocations, 0)
  })

  test("over links that lose, repeat and reorder: it works or says why, whatever the seed", () => {
    const ended = Array.from({ length: 150 }, (_, seed) => overABadLink(seed))
    const worked = ended.filter(each => each === "worked").length
    assert.ok(worked > 120, `${worked} of 150 worked`)
  })

  test("a server that was started anew: a fresh allocation, with what was wanted, and the owner knows", () => {
    const net = new TurnNetwork({ seed: 3 })
    net.allocate()
    const first = net.until("allocated").relayed
    net.bind(net.peers[0]!)
    net.until("channel-bound")
    net.run(20_000)
    net.restartServer()
    const lost = net.until("lost", HOUR)
    assert.deepEqual(
      [lost.failure.reason, lost.failure.code, lost.isRenewed],
      ["allocation-mismatch", 437, true],
    )
    const second = net.until("allocated").relayed
    assert.notDeepEqual(second, first)
    net.until("channel-bound")
    net.say(net.peers[0]!, "again")
    net.run(1000)
    assert.deepEqual(net.heard, [{ from: "8.8.0.0:7000", text: "again" }])
    assert.equal(net.echoes[0]!.events.at(-1), formatAddress(second[0]!))
  })

  test("a server that is gone: the allocation is lost when it ran out, not before", () => {
    const net = new TurnNetwork({ seed: 4 })
    net.allocate()
    net.until("allocated")
    net.serverHost.interfaces[0]!.line.disconnect()
    const { failure, isRenewed } = net.until("lost", HOUR)
    assert.deepEqual([failure, isRenewed], [{ reason: "expired" }, false])
    assert.ok(net.now >= 600_000 && net.now < 610_000, `${net.now} ms`)
    assert.equal(net.client.nextTick, Infinity)
  })

  test("no server at all: seven requests, then it failed after 39.5 s", () => {
    const net = new TurnNetwork({ seed: 5, link: { loss: 1 } })
    net.allocate()
    assert.deepEqual(net.until("failed").failure, { reason: "timeout" })
    assert.equal(net.now, 39_500)
  })

  test("one forbidden peer does not spoil it for the others", () => {
    const net = new TurnNetwork({ seed: 6, peers: 3 })
    const forbidden = { ip: parseIp("10.0.0.1")!, port: 1 }
    net.allocate()
    net.permit(net.peers[0]!, forbidden, net.peers[1]!, net.peers[2]!)
    const { peer, failure } = net.until("permission-refused")
    assert.deepEqual([[...peer], failure.reason, failure.code], [[10, 0, 0, 1], "forbidden", 403])
    net.run(1000)
    const permitted = net.driver.events.flatMap(event => (event.type === "permitted" ? event.peers : []))
    assert.deepEqual(permitted.map(String).sort(), net.peers.map(({ ip }) => String(ip)).sort())
    net.bind(forbidden)
    assert.equal(net.until("channel-refused").failure.code, 403)
  })

  test("an IPv6 address where one is asked for, and a failure where there is none", () => {
    const net = new TurnNetwork({ seed: 7, client: { families: "v6" } })
    net.allocate()
    assert.match(formatAddress(net.until("allocated").relayed[0]!), /^\[2a00::5\]:/)
    net.bind(net.peers[0]!)
    assert.equal(net.until("channel-refused").failure.reason, "peer-address-family-mismatch")
    const server = { relayedAddress: { v4: parseIp("5.5.5.5")! } }
    const refused = new TurnNetwork({ seed: 8, server, client: { families: "v6" } })
    refused.allocate()
    assert.equal(refused.until("failed").failure.reason, "address-family-not-supported")
  })

  test("IPv4 and IPv6 by one allocation, or what there is and why not the other", () => {
    const net = new TurnNetwork({ seed: 12, client: { families: "both" } })
    net.allocate()
    const families = net.until("allocated").relayed.map(({ ip }) => ip.length)
    assert.deepEqual(families, [4, 16])
    net.bind(net.peers[0]!)
    net.until("channel-bound")
    net.say(net.peers[0]!, "hi")
    net.run(700_000)
    assert.equal(net.heard.length, 1)
    assert.equal(net.server.counters().allocations, 2, "both are refreshed")
    const server = { relayedAddress: { v4: parseIp("5.5.5.5")! } }
    const half = new TurnNetwork({ seed: 13, server, client: { families: "both" } })
    half.allocate()
    assert.deepEqual(half.until("allocated").refusedFamily, { family: 6, code: 440 })
  })

  test("keys and integrity are SHA-256's from the first signed request on", () => {
    const net = new TurnNetwork({ seed: 14 })
    net.allocate()
    net.permit(net.peers[0]!)
    net.until("permitted")
    assert.deepEqual([...net.signatures], ["sha256"])
  })

  test("a server that drains sends newcomers to another one", () => {
    const net = new TurnNetwork({ seed: 15 })
    net.server.drain({ udp: { v4: { ip: parseIp("5.5.5.6")!, port: 3478 } } })
    net.allocate()
    const { server } = net.until("try-alternate")
    assert.equal(formatAddress(server), "5.5.5.6:3478")
  })

  test("an even port, and the next one for who has the token", () => {
    const net = new TurnNetwork({ seed: 9, client: { evenPort: "reserve-next" } })
    net.allocate()
    const { relayed, reservationToken } = net.until("allocated")
    assert.equal(relayed[0]!.port % 2, 0)
    assert.equal(reservationToken!.length, 8)
  })

  test("a quota that is reached and credentials that are wrong are failures with the RFC's names", () => {
    const full = new TurnNetwork({ seed: 10, server: { relayPorts: { min: 50_000, max: 50_000 } } })
    full.serverHost.bind(50_000, () => {})
    full.allocate()
    const { reason, code, retryAfter } = full.until("failed").failure
    assert.deepEqual([reason, code, retryAfter], ["insufficient-capacity", 508, 60_000])
    const wrong = new TurnNetwork({ seed: 11, client: { password: "guessed" } })
    wrong.allocate()
    assert.equal(wrong.until("failed").failure.reason, "unauthenticated")
    assert.equal(wrong.server.counters().allocations, 0)
  })

  test("closed while it allocates: what the server made is freed again", () => {
    for (let seed = 1; seed <= 40; seed++) {
      const net = new TurnNetwork({ seed, link: { loss: 0.2, jitter: 200, duplication: 0.2 } })
      net.allocate()
      net.run(seed * 10)
      net.close()
      if (net.driver.events.at(-1)?.type !== "closed") net.until("closed", 120_000)
      net.run(2000)
      const held = net.server.counters().allocations
      assert.equal(held, 0, `seed ${seed}`)
    }
  })
})
