import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { describeCandidate } from "./candidate-words.ts"
import { readPath } from "./selected-path.ts"

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

test("a candidate line is told in words", () => {
  const line = (rest: string) => describeCandidate(`candidate:1 1 ${rest}`)
  assert.equal(
    line("udp 1 203.0.113.1 49152 typ relay raddr 0.0.0.0 rport 0"),
    "relay 203.0.113.1:49152 over UDP",
  )
  assert.equal(line("UDP 1 2001:db8::1 5000 typ host"), "host [2001:db8::1]:5000 over UDP")
  assert.equal(line("tcp 1 192.0.2.1 9 typ host tcptype active"), "host 192.0.2.1 over TCP")
  assert.equal(line("udp 1 4f3c0f6e-1b7c.local 5000 typ host"), "host, its address hidden, over UDP")
})
