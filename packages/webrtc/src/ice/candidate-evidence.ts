import { type Address, formatAddress } from "../bytes/index.ts"
import type { IceEvidence } from "../contract/index.ts"
import type { Candidate } from "./candidate.ts"

/** A candidate became known. `server` is who told one of ours. */
export function candidateEvidence(
  side: "local" | "remote",
  generation: number,
  candidate: Candidate,
  server?: Address,
): IceEvidence {
  const { type, transport, address, priority, related, relayTransport } = candidate
  return {
    layer: "ice",
    kind: "candidate",
    side,
    generation,
    type,
    transport,
    address: formatAddress(address),
    priority,
    ...(server === undefined ? {} : { server: formatAddress(server) }),
    ...(relayTransport === undefined ? {} : { serverTransport: relayTransport }),
    ...(related === undefined ? {} : { related: formatAddress(related) }),
  }
}
