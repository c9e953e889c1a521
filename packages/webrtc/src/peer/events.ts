import type { Out } from "../contract/index.ts"
import type { DtlsEvent } from "../dtls/index.ts"
import type { IceEvent } from "../ice/index.ts"

/**
 * As RTCPeerConnectionState (W3C WebRTC §4.3.3): of ICE and DTLS together. "connected": the other end is who its
 * description says, and data goes both ways. "closed": one of both said so.
 */
export type PeerState = "new" | "connecting" | "connected" | "disconnected" | "failed" | "closed"

export type PeerEvent =
  | { readonly type: "ice"; readonly event: IceEvent }
  | { readonly type: "dtls"; readonly event: DtlsEvent }
  | { readonly type: "state"; readonly state: PeerState }

export type PeerOut = Out<PeerEvent>
