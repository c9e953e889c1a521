import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { readPath, TimelineRecorder } from "./timeline-recorder.ts"

function recorder() {
  let now = 1000
  let changes = 0
  const it = new TimelineRecorder(
    "ben",
    () => now,
    () => changes++,
  )
  return {
    it,
    at: (ms: number) => {
      now = ms
      return it
    },
    changes: () => changes,
    phase: (name: string) => it.timeline().phases.find(each => each.name === name)!,
  }
}

describe("TimelineRecorder", () => {
  test("keeps what each phase waits for, when it began, and what it took", () => {
    const { it, at, phase } = recorder()
    it.begin("checks", "a pair that answers")
    assert.deepEqual(
      { status: phase("checks").status, note: phase("checks").note, startedAt: phase("checks").startedAt },
      { status: "active", note: "a pair that answers", startedAt: 1000 },
    )
    at(1250).done("checks", "a path is found")
    assert.equal(phase("checks").endedAt, 1250)
    assert.equal(phase("security").status, "waiting")
  })

  test("a done phase that begins again is recovering, and its first success stays what it took", () => {
    const { at, it, phase } = recorder()
    it.begin("checks", "x")
    at(1100).done("checks", "y")
    at(9000).begin("checks", "the path to answer again")
    assert.equal(phase("checks").status, "recovering")
    assert.equal(it.timeline().status, "recovering")
    at(9500).done("checks", "again")
    assert.equal(phase("checks").startedAt, 1000)
  })

  test("a failure names itself on the phase that broke and on the whole", () => {
    const { it, phase } = recorder()
    it.fail("security", "The DTLS handshake failed.")
    assert.equal(it.timeline().status, "failed")
    assert.equal(phase("security").events.at(-1)?.text, "The DTLS handshake failed.")
  })

  test("gives the same object until something changes, and says when it does", () => {
    const { it, changes } = recorder()
    const first = it.timeline()
    assert.equal(it.timeline(), first)
    const before = changes()
    it.path(undefined, undefined)
    assert.equal(changes(), before)
    it.event("checks", "note", "something")
    assert.equal(changes(), before + 1)
    assert.notEqual(it.timeline(), first)
  })

  test("keeps the last 100 events of a phase", () => {
    const { it, phase } = recorder()
    for (let i = 0; i < 150; i++) it.event("candidates", "local", String(i))
    assert.equal(phase("candidates").events.length, 100)
    assert.equal(phase("candidates").events.at(-1)?.text, "149")
  })
})

describe("readPath", () => {
  const stats = (pair: object) =>
    new Map(
      [
        {
          id: "T",
          type: "transport",
          selectedCandidatePairId: "P",
          tlsVersion: "FEFC",
          srtpCipher: "AES_CM_128_HMAC_SHA1_80",
        },
        {
          id: "P",
          type: "candidate-pair",
          localCandidateId: "L",
          remoteCandidateId: "R",
          currentRoundTripTime: 0.0124,
          ...pair,
        },
        {
          id: "L",
          type: "local-candidate",
          candidateType: "host",
          protocol: "udp",
          address: "192.0.2.1",
          port: 5000,
        },
        {
          id: "Y",
          type: "local-candidate",
          candidateType: "relay",
          protocol: "udp",
          relayProtocol: "tls",
          address: "192.0.2.9",
          port: 1,
        },
        {
          id: "R",
          type: "remote-candidate",
          candidateType: "prflx",
          protocol: "udp",
          address: "2001:db8::1",
          port: 6000,
        },
      ].map(each => [each.id, each]),
    ) as unknown as RTCStatsReport

  test("tells a direct path, its round trip and its security", () => {
    const { path, security } = readPath(stats({}))
    assert.equal(path?.route, "direct")
    assert.equal(path?.over, "UDP")
    assert.equal(path?.roundTripTime, 12)
    assert.equal(path?.remote.address, "[2001:db8::1]:6000")
    assert.equal(security, "DTLS 1.3, AES_CM_128_HMAC_SHA1_80")
  })

  test("tells a relayed path, and over what this end reaches the relay", () => {
    const { path } = readPath(stats({ localCandidateId: "Y" }))
    assert.equal(path?.route, "relayed")
    assert.equal(path?.over, "TLS")
  })

  test("finds the pair where the transport does not name it, and none where there is none", () => {
    const report = stats({ nominated: true, state: "succeeded" }) as unknown as Map<string, unknown>
    report.delete("T")
    assert.equal(readPath(report as unknown as RTCStatsReport).path?.route, "direct")
    assert.equal(readPath(new Map() as unknown as RTCStatsReport).path, undefined)
  })
})
