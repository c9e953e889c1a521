import { effect } from "@preact/signals"
import type { RoomSnapshot } from "@tightbeam/client"
import { fetchInfo } from "./server.ts"

/** The part of a connection that says what may be sent on it. */
interface Sending {
  getSenders(): readonly Pick<RTCRtpSender, "track" | "getParameters" | "setParameters">[]
}

interface Relayed {
  readonly snapshot: { readonly value: RoomSnapshot }
  connection(participant: string): Sending | undefined
}

/**
 * Shares `bitrate` (bits/s) out among all pictures that are sent through the relay, and leaves those that go directly
 * alone: the browser makes them smaller, where a relay could only drop packets, of sound too.
 */
export function limitRelayed(room: Relayed, bitrate: number): void {
  const pictures = room.snapshot.value.participants.flatMap(({ id, timeline: { path } }) =>
    // Until the path is known nothing changes.
    (path === undefined ? [] : (room.connection(id)?.getSenders() ?? []))
      .filter(({ track }) => track?.kind === "video")
      .map(sender => ({ sender, isRelayed: path?.route === "relayed" })),
  )
  const share = Math.floor(bitrate / Math.max(1, pictures.filter(({ isRelayed }) => isRelayed).length))
  for (const { sender, isRelayed } of pictures) {
    const parameters = sender.getParameters()
    const [encoding] = parameters.encodings
    if (encoding === undefined || encoding.maxBitrate === (isRelayed ? share : undefined)) continue
    if (isRelayed) encoding.maxBitrate = share
    else delete encoding.maxBitrate
    // A connection that is being closed takes none; each change of the room tries again.
    sender.setParameters(parameters).catch(() => {})
  }
}

/** Keeps to what the operator lets pictures take on the relay, until the returned function is called. */
export async function keepRelayedSmall(room: Relayed): Promise<() => void> {
  const bitrate = (await fetchInfo())?.relayedVideoBitrate ?? 0
  return bitrate === 0 ? () => {} : effect(() => limitRelayed(room, bitrate))
}
