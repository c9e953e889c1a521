import assert from "node:assert/strict"
import { test } from "node:test"
import { PACKETS_EACH, relayedRoom, relayedRoomSaving } from "./testing/relayed-room.ts"

/** Each of four sends to three. */
const PACKETS = 12 * PACKETS_EACH

test("in a room of four behind symmetric NATs each packet goes through the relay's sockets once, where it would go twice", () => {
  const { traffic, packetsJoined } = relayedRoom(1, "one")
  assert.deepEqual([traffic.packetsIn, traffic.packetsOut, packetsJoined], [PACKETS, PACKETS, PACKETS])
  const [received, sent, ...bytes] = relayedRoomSaving(1)
  for (const packets of [received!, sent!])
    assert.deepEqual([packets.value, packets.peerValue], [PACKETS, 2 * PACKETS])
  // A channel's header is four bytes more on the way to and from the clients than between the relays.
  for (const { value, peerValue } of bytes)
    assert.ok(value < 0.51 * peerValue, `${value} of ${peerValue} bytes`)
})
