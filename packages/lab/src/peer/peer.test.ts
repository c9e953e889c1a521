/** Two peers, from the first check to the last alert, on a simulated internet. */
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { type Host, type Internet, UDP_BLOCKED } from "@tightbeam/sim"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import type { DtlsVersion, SrtpProfile } from "@tightbeam/webrtc/dtls"
import { IceServers } from "../ice/servers.ts"
import { quickCrypto } from "../quick-crypto.ts"
import { type EndOptions, PeerPair, type Setting, utf8 } from "./testing/peer-pair.ts"

const VERSIONS: readonly DtlsVersion[] = ["1.2", "1.3"]
const ROLES = ["active", "passive"] as const

/** An RTP packet of version 2, with a payload. */
function rtp(sequence: number, payload: string): Uint8Array {
  const header = Uint8Array.of(0x80, 96, sequence >> 8, sequence & 0xff, 0, 0, 0, 1, 0, 0, 0, 7)
  return Uint8Array.of(...header, ...utf8(payload))
}
/** An empty receiver report. */
const RTCP = Uint8Array.of(0x80, 201, 0, 1, 0, 0, 0, 7)

describe("two peers", () => {
  for (const version of VERSIONS)
    for (const answers of ROLES)
      test(`connect with DTLS ${version} where the answer is ${answers}, and send each other data`, () => {
        const pair = new PeerPair({ answers, both: { dtls: { versions: [version] } } }).connect()
        const { one, other } = pair
        assert.equal(one.peer.dtls?.version, version)
        assert.equal(one.peer.setup, answers === "active" ? "passive" : "active")
        assert.ok(one.send("from one"))
        assert.ok(other.send("from the other"))
        pair.run(100)
        assert.deepEqual([one.data, other.data], [["from the other"], ["from one"]])
        assert.deepEqual(one.states, ["connecting", "connected"])
      })

  test("connect with real keys", () => {
    const { one, other } = new PeerPair({ both: { crypto: nodeCrypto } }).connect()
    assert.equal(one.peer.dtls?.group, nodeCrypto.groups[0])
    assert.deepEqual(
      one.peer.dtls?.exportKeyingMaterial("EXPORTER-any", 20),
      other.peer.dtls?.exportKeyingMaterial("EXPORTER-any", 20),
    )
  })

  for (const profile of ["AEAD_AES_128_GCM", "AES128_CM_HMAC_SHA1_80"] satisfies SrtpProfile[])
    test(`send each other RTP and RTCP with ${profile}`, () => {
      const both: EndOptions = { crypto: nodeCrypto, dtls: { srtp: [profile] } }
      const pair = new PeerPair({ both })
      const { one, other } = pair
      assert.ok(!one.sendRtp(rtp(1, "too early")))
      pair.connect()
      const sent: Uint8Array[] = []
      pair.internet.watch(({ packet }) => void sent.push(packet.payload.slice()))
      for (const end of [one, other]) {
        assert.ok(end.sendRtp(rtp(1, "one")))
        assert.ok(end.sendRtp(rtp(2, "two")))
        // Its nonce was used.
        assert.ok(!end.sendRtp(rtp(2, "again")))
        assert.ok(end.sendRtcp(RTCP))
      }
      pair.run(100)
      for (const { rtp: heard, rtcp } of [one, other]) {
        assert.deepEqual(heard, [rtp1, rtp2])
        assert.deepEqual(rtcp, [RTCP])
      }
      for (const bytes of sent) assert.ok(!Buffer.from(bytes).includes("one"))
    })
  const [rtp1, rtp2] = [rtp(1, "one"), rtp(2, "two")]

  test("know the round trip before the first flight, and send none of them twice on a long way", () => {
    const { one, other } = new PeerPair({ network: { seed: 1, link: { delay: 400 } } }).connect(10_000)
    for (const end of [one, other])
      for (const flight of end.noted("flight") as readonly { attempt: number }[])
        assert.equal(flight.attempt, 1)
  })

  for (const version of VERSIONS)
    test(`connect with DTLS ${version} whatever is lost, doubled or late, within a minute`, () => {
      for (let seed = 1; seed <= 50; seed++) {
        const link = { delay: 20, jitter: 10, loss: 0.3, duplication: 0.1, reordering: 0.1 }
        new PeerPair({ network: { seed, link }, both: { dtls: { versions: [version] } } }).connect(60_000)
      }
    })

  const relayed = (inside: (internet: Internet, name: string) => Host, turn: "udp" | "tcp") => {
    return (internet: Internet): Setting => {
      const servers = new IceServers(internet, quickCrypto)
      return {
        host: name => inside(internet, name),
        ice: name => ({ servers: servers.for(name, { turn: [turn] }) }),
      }
    }
  }
  const ways: Readonly<Record<string, readonly [setting: (internet: Internet) => Setting, pair: string]>> = {
    "a relay, behind NATs that let nothing through": [
      relayed(
        (internet, name) =>
          internet
            .nat({ mapping: "address-and-port-dependent", filtering: "address-and-port-dependent" })
            .host(name),
        "udp",
      ),
      "relay",
    ],
    "a relay by TCP, where UDP is blocked": [
      relayed((internet, name) => internet.nat({ policy: UDP_BLOCKED }).host(name), "tcp"),
      "relay",
    ],
    "TCP, where UDP is blocked and no relay is there": [
      internet => ({
        host: name => (name === "one" ? internet : internet.nat({ policy: UDP_BLOCKED })).host(name),
        ice: () => ({ tcp: true }),
      }),
      "tcp",
    ],
  }
  for (const [way, [setting, expected]] of Object.entries(ways))
    for (const answers of ROLES)
      test(`connect over ${way} (the answer is ${answers})`, () => {
        const pair = new PeerPair({ setting, answers, both: { dtls: { srtp: ["AEAD_AES_128_GCM"] } } })
        const { one, other } = pair.connect(30_000)
        const candidates = one.driver.events.flatMap(each =>
          each.type === "ice" && each.event.type === "selected" ? [each.event.local, each.event.remote] : [],
        )
        assert.ok(candidates.some(({ type, transport }) => type === expected || transport === expected))
        const long = "long".repeat(250)
        for (const end of [one, other]) {
          assert.ok(end.send(long))
          assert.ok(end.sendRtp(rtp(1, long)))
        }
        pair.run(500)
        for (const { data, rtp: heard } of [one, other]) {
          assert.deepEqual(data, [long])
          assert.deepEqual(heard, [rtp(1, long)])
        }
      })

  test("stay connected over a restart of ICE", () => {
    const pair = new PeerPair().connect()
    const { one, other } = pair
    one.driver.command((now, out) => one.peer.restart(now, out))
    assert.ok(one.send("meanwhile"))
    pair.describe(one, other)
    pair.describe(other, one)
    one.tellCandidatesTo(other)
    other.tellCandidatesTo(one)
    pair.run(1_000)
    assert.ok(one.send("afterwards"))
    pair.run(100)
    assert.deepEqual(other.data, ["meanwhile", "afterwards"])
    assert.ok(pair.isConnected)
    assert.equal(one.noted("negotiated").length, 1)
  })

  test("that are closed say so", () => {
    const pair = new PeerPair().connect()
    pair.one.close()
    assert.equal(pair.one.peer.state, "closed")
    pair.run(100)
    assert.equal(pair.other.peer.state, "closed")
    assert.ok(!pair.other.send("nobody hears it"))
    pair.one.close()
    assert.deepEqual(pair.one.states.at(-1), "closed")
    for (const { peer } of [pair.one, pair.other]) assert.equal(peer.nextTick, Infinity)
  })

  test("are not to be given another certificate, or role, later", () => {
    const pair = new PeerPair().connect()
    const { one, other } = pair
    const { fingerprint, ice, setup } = other.peer
    const told = { ice, fingerprints: [fingerprint], setup }
    const tell = (change: Partial<typeof told>) =>
      one.driver.command((now, out) => one.peer.setRemote({ ...told, ...change }, now, out))
    tell({})
    assert.throws(() => tell({ fingerprints: [one.peer.fingerprint] }), /another certificate or role/)
    assert.throws(() => tell({ setup: "passive" }), /another certificate or role/)
    tell({ setup: "actpass" })
    assert.ok(pair.isConnected)
  })
})

describe("what came before the answer", () => {
  test("is kept, and answered at once when it is there", () => {
    const pair = new PeerPair({ answerTakes: 300 }).call().run(299)
    assert.equal(pair.one.peer.state, "new")
    assert.equal(pair.other.peer.state, "connecting")
    // A round trip for ICE, and the rest of DTLS 1.3's.
    pair.run(1 + 60)
    assert.ok(pair.isConnected)
  })

  for (const limits of [{ earlyDatagrams: 1 }, { earlyBytes: 1_300 }])
    test(`is dropped beyond limits.${Object.keys(limits)[0]}, and sent again`, () => {
      const pair = new PeerPair({ answerTakes: 3_000, one: { limits } }).call().run(2_990)
      assert.ok(pair.one.peer.counters().earlyDropped > 0)
      pair.internet.runUntil(() => pair.isConnected, 4_000)
    })

  test("is a limit that makes sense", () => {
    assert.throws(() => new PeerPair({ one: { limits: { earlyBytes: -1 } } }), /limits.earlyBytes/)
  })
})
