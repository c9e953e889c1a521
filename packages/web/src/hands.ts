import type { RoomSnapshot } from "@tightbeam/client"

/** Raised hands in the order they went up: participant id → place, from 1. */
export function handOrder({ self, participants }: RoomSnapshot): ReadonlyMap<string, number> {
  const raised = [...participants, ...(self ? [self] : [])]
    .filter(({ hand }) => hand !== null)
    .toSorted((a, b) => a.hand! - b.hand!)
  return new Map(raised.map(({ id }, i) => [id, i + 1]))
}
