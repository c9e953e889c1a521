import type { TurnCounters } from "@tightbeam/webrtc/turn"

/** Counters of two shards as those of one: numbers are added, and so are the tables of numbers in them. */
export function sumOf<T extends object>(one: T, other: T): T {
  const sum = { ...one } as Record<string, unknown>
  for (const [name, value] of Object.entries(other)) {
    const mine = sum[name]
    if (mine === undefined) sum[name] = value
    else
      sum[name] =
        typeof value === "number" ? (mine as number) + value : sumOf(mine as object, value as object)
  }
  return sum as T
}

/** The same of TURN servers, which share one range of ports. */
export function sumOfTurn(one: TurnCounters, other: TurnCounters): TurnCounters {
  return { ...sumOf(one, other), freePorts: one.freePorts }
}
