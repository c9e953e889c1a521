import assert from "node:assert/strict"
import { test } from "node:test"
import type { TurnCounters } from "@tightbeam/webrtc/turn"
import { RelayMeter } from "../relay/relay-meter.ts"
import { RelayMetrics } from "./relay-metrics.ts"
import { parseMetrics } from "./testing/parse-metrics.ts"

const counters: TurnCounters = {
  allocations: 0,
  connections: 5,
  allocationsOver: { udp: 0, tcp: 0, tls: 0 },
  freePorts: 9,
  reservedPorts: 0,
  packetsToPeers: 0,
  bytesToPeers: 0,
  packetsToClients: 0,
  bytesToClients: 0,
  packetsJoined: 0,
  bytesJoined: 0,
  bindingRequests: 3,
  errors: { 401: 2, 486: 1 },
  drops: {
    malformed: 4,
    unexpected: 0,
    "bad-fingerprint": 0,
    "no-allocation": 0,
    "no-channel": 0,
    "no-permission": 0,
    "forbidden-peer": 0,
    "no-such-relay": 0,
    "no-path": 0,
    "over-bandwidth": 10,
    "over-budget": 11,
  },
  evidenceSuppressed: 0,
}

test("10,000 users with newlines, quotes and percents in their names are as many time series as one", async () => {
  const meter = new RelayMeter(new Date())
  const metrics = new RelayMetrics()
  const scrape = async (): Promise<Map<string, number>> =>
    parseMetrics(await metrics.text({ counters, total: meter.total([]), freed: { expired: 1 } }))
  const before = await scrape()
  for (let i = 0; i < 10_000; i++) {
    const username = new TextEncoder().encode(`1:ro"om\n${i}%s{}:\\who\r\n# HELP evil ${i} 1\n\u001b`)
    meter.allocated(username, i)
    meter.freed(
      {
        allocation: i,
        username,
        transport: "tcp",
        packetsToPeers: 1,
        bytesToPeers: 10,
        packetsToClient: 2,
        bytesToClient: 5,
        packetsJoined: 1,
        bytesJoined: 3,
        duration: 1_500,
      },
      i,
    )
  }
  const after = await scrape()
  assert.deepEqual([...after.keys()], [...before.keys()])
  assert.ok(after.size < 50, `${after.size} time series`)
  const expected = {
    'tightbeam_relay_allocations{transport="tcp"}': 0,
    'tightbeam_relay_allocations_total{transport="tcp"}': 10_000,
    'tightbeam_relay_allocations_total{transport="udp"}': 0,
    'tightbeam_relay_allocation_seconds_total{transport="tcp"}': 15_000,
    'tightbeam_relay_bytes_total{transport="tcp",direction="to-peers"}': 100_000,
    'tightbeam_relay_bytes_total{transport="tcp",direction="to-clients"}': 50_000,
    'tightbeam_relay_packets_total{transport="tcp",direction="to-clients"}': 20_000,
    'tightbeam_relay_joined_bytes_total{transport="tcp"}': 30_000,
    'tightbeam_relay_joined_packets_total{transport="tcp"}': 10_000,
    'tightbeam_relay_errors_total{code="486"}': 1,
    'tightbeam_relay_drops_total{reason="malformed"}': 4,
    'tightbeam_relay_allocations_freed_total{reason="expired"}': 1,
    tightbeam_relay_stun_binding_requests_total: 3,
    tightbeam_relay_peer_connections: 5,
    tightbeam_relay_free_ports: 9,
  }
  for (const [series, value] of Object.entries(expected)) assert.equal(after.get(series), value, series)
})
