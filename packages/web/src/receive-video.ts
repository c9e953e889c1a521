/** The part of a transceiver that says which way it goes. */
type Directed = Pick<RTCRtpTransceiver, "direction" | "receiver">

const WITH = { sendonly: "sendrecv", inactive: "recvonly" } as const
const WITHOUT = { sendrecv: "sendonly", recvonly: "inactive" } as const

/**
 * Takes pictures from the other end, or none: by the direction of the media sections, which is what a sender obeys
 * (RFC 8829 §5.3.1), so that nothing is sent for nobody to see. The browser negotiates what this changes.
 */
export function receiveVideo(
  connection: { getTransceivers(): readonly Directed[] } | undefined,
  receives: boolean,
): void {
  const turned: Partial<Record<RTCRtpTransceiverDirection, RTCRtpTransceiverDirection>> = receives
    ? WITH
    : WITHOUT
  for (const transceiver of connection?.getTransceivers() ?? []) {
    const direction = turned[transceiver.direction]
    if (transceiver.receiver.track.kind === "video" && direction !== undefined)
      transceiver.direction = direction
  }
}
