import {
  type Fingerprint,
  formatFingerprint,
  parseFingerprint,
} from "../../packages/webrtc/src/dtls/index.ts"
import type { Peer, RemotePeer } from "../../packages/webrtc/src/peer/index.ts"
import { dataDescription, formatDataDescription, parseSdp } from "../../packages/webrtc/src/sdp/index.ts"

/** What a peer of ours tells, with all its candidates. */
export function describePeer(peer: Peer, mid: string, candidates: readonly string[], lite = false): string {
  return formatDataDescription({
    sessionId: "1",
    version: 1,
    mid,
    ice: { ...peer.ice, lite, options: ["trickle", "renomination"], candidates, isComplete: true },
    fingerprints: [formatFingerprint(peer.fingerprint)],
    setup: peer.setup,
    sctpPort: 5000,
    maxMessageSize: 262_144,
  })
}

/** What is told to a peer of ours, and its candidates. */
export function readDescription(sdp: string): {
  mid: string
  remote: RemotePeer
  candidates: readonly string[]
} {
  const session = parseSdp(sdp)
  if ("why" in session) throw new Error(`line ${session.line} of the description: ${session.why}`)
  const description = dataDescription(session)
  if (typeof description === "string") throw new Error(description)
  const { mid, ice, setup } = description
  const fingerprints: readonly Fingerprint[] = description.fingerprints.flatMap(
    text => parseFingerprint(text) ?? [],
  )
  return { mid, remote: { ice, fingerprints, setup }, candidates: ice.candidates }
}
