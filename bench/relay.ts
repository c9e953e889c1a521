import { allocateCycles } from "./allocate-cycles.ts"
import { heldAllocations } from "./held-allocations.ts"
import { relayedPackets } from "./relayed-packets.ts"
import type { Row } from "./row.ts"
import type { Options } from "./suite.ts"
import { twoWorkers } from "./two-workers.ts"

/** The relay against others on the same machine, by the CPU of the server's process: a noisy neighbour disturbs it least. */
export async function relay(options: Options): Promise<Row[]> {
  return [
    ...(await relayedPackets(options)),
    ...(await twoWorkers(options)),
    ...(await allocateCycles(options)),
    ...(await heldAllocations(options)),
  ]
}
