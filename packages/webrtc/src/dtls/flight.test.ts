import assert from "node:assert/strict"
import { test } from "node:test"
import { Flight } from "./flight.ts"
import { HandshakeType } from "./handshake-type.ts"
import { PlaintextWriter } from "./plaintext-record.ts"
import { Pair } from "./testing/pair.ts"

test("an ACK is of the records that left, not of those that there was nowhere to send to", () => {
  const { out } = new Pair().client
  const flight = new Flight()
  const writer = new PlaintextWriter()
  for (const sequence of [0, 1])
    flight.add({ type: HandshakeType.certificate, sequence, body: new Uint8Array(200) }, writer)
  const to = { path: 0, mtu: 256, recordSizeLimit: () => 256 }
  flight.send(to, { ...out, tell: () => {}, reserve: () => -1 })
  flight.send(to, { ...out, tell: () => {} })
  flight.acknowledge(0, 0)
  assert.ok(!flight.isAcknowledged)
  flight.acknowledge(0, 1)
  assert.ok(flight.isAcknowledged)
})
