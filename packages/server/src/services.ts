import type { Service } from "./service.ts"
import { signaling } from "./signaling/index.ts"

/** What runs in the process beside the pages and the relay. */
export function services(): Service[] {
  return [signaling()]
}
