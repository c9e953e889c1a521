import { NO_PATH } from "../../contract/index.ts"
import type { Base } from "../base.ts"
import type { Candidate } from "../candidate.ts"
import { CandidatePair } from "../candidate-pair.ts"
import { address } from "./wire.ts"

export function candidate(
  port: number,
  { foundation = "1", priority = 1 }: { foundation?: string; priority?: number } = {},
): Candidate {
  const at = address(`192.0.2.1:${port}`)
  return { foundation, component: 1, transport: "udp", priority, address: at, type: "host" }
}

/** A base that sends nothing. */
export function base(local: Candidate, isReady: () => boolean = () => true): Base {
  return {
    candidate: local,
    rank: 0,
    isReliable: false,
    reaches: () => true,
    open: () => NO_PATH,
    isReady,
    reserve: () => -1,
    commit: () => undefined,
  }
}

let lastPair = 0
export function pair(local: Candidate, remote: Candidate, of: Base = base(local)): CandidatePair {
  return new CandidatePair(++lastPair, of, NO_PATH, remote, undefined)
}
