import assert from "node:assert/strict"
import { test } from "node:test"
import { receiveVideo } from "./receive-video.ts"

const transceiver = (kind: string, direction: RTCRtpTransceiverDirection) =>
  ({ direction, receiver: { track: { kind } } }) as RTCRtpTransceiver

test("no pictures are received, and what is sent goes on; and back", () => {
  const all = [
    transceiver("audio", "sendrecv"),
    transceiver("video", "sendrecv"),
    transceiver("video", "recvonly"),
    transceiver("video", "stopped"),
  ]
  const connection = { getTransceivers: () => all }
  receiveVideo(connection, false)
  assert.deepEqual(
    all.map(({ direction }) => direction),
    ["sendrecv", "sendonly", "inactive", "stopped"],
  )
  receiveVideo(connection, false)
  receiveVideo(connection, true)
  assert.deepEqual(
    all.map(({ direction }) => direction),
    ["sendrecv", "sendrecv", "recvonly", "stopped"],
  )
})
