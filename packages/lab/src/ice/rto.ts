import type { Internet } from "@tightbeam/sim"
import type { IceAgentOptions } from "@tightbeam/webrtc/ice"
import { LabCall } from "./call.ts"
import { networkTypes } from "./network-types.ts"

/** One way, ms, and the share that is lost. */
const LOSSY = { delay: 25, loss: 0.2 }
const DEADLINE = 60_000
/** RFC 8445 §14.3. */
const FIXED = { fixed: 500 }

/** How long a call took to connect, ms, on one seed of a lossy network: with RTOs that follow the round trip, and without. */
export interface RtoCall {
  readonly adaptive: number
  readonly fixed: number
}

export function rtoCall(seed: number, watch?: (internet: Internet) => void): RtoCall {
  return { adaptive: connect(seed, {}, watch), fixed: connect(seed, FIXED) }
}

function connect(
  seed: number,
  rto: NonNullable<IceAgentOptions["rto"]>,
  watch?: (internet: Internet) => void,
): number {
  const home = networkTypes.find(({ name }) => name === "port-restricted")!
  const ends = [[home.seat()], [home.seat()]] as const
  const call = new LabCall({ seed, ends, turn: [], tcp: false, link: LOSSY, rto, watch })
  call.call()
  if (!call.runUntil(() => call.connected < DEADLINE, DEADLINE)) throw new Error("no path was found")
  return call.connected
}

/** The value that a share of all do not exceed (nearest rank). */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!
}
