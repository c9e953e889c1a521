import type { Out } from "../contract/index.ts"
import type { Candidate } from "./candidate.ts"

/**
 * As RTCIceTransportState (W3C WebRTC §5.6), but that there is no "completed": another path may be found at any time.
 * "failed" lasts until a restart.
 */
export type IceState = "new" | "checking" | "connected" | "disconnected" | "failed" | "closed"

export type IceEvent =
  /** One of our candidates, to be told to the other agent: `text` is `candidate:…`. Told anew for each generation. */
  | {
      readonly type: "candidate"
      readonly candidate: Candidate
      readonly text: string
      readonly ufrag: string
    }
  /** No more candidates of this generation are expected (RFC 8838 §13), unless the network changes. */
  | { readonly type: "end-of-candidates"; readonly ufrag: string }
  | { readonly type: "state"; readonly state: IceState }
  /** No pair works yet, after so many ms, and nothing is lost: worth a word to whoever waits. Once in a generation. */
  | { readonly type: "still-trying"; readonly since: number }
  /** Data goes over this pair from now on. */
  | { readonly type: "selected"; readonly local: Candidate; readonly remote: Candidate }

export type IceOut = Out<IceEvent>
