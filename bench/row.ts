/** One measurement, as `--json` prints it. `goal` and `met` only where a number was promised. */
export interface Row {
  readonly suite: string
  readonly case: string
  readonly metric: string
  readonly unit: string
  readonly value: number
  readonly peer?: string
  readonly peerValue?: number
  /** `value / peerValue`: below 1 is better where less is better. */
  readonly ratio?: number
  readonly goal?: number
  readonly met?: boolean
}

/** What was promised: of the ratio to a peer, or of the value itself. */
export type Goal =
  | { readonly ratioAtMost: number }
  | { readonly ratioAtLeast: number }
  | { readonly atMost: number }

interface Comparison extends Pick<Row, "suite" | "case" | "metric" | "unit" | "value"> {
  readonly peer: string
  readonly peerValue: number
  readonly goal?: Goal | undefined
}

export function compare({ value, peerValue, goal, ...rest }: Comparison): Row {
  const ratio = value / peerValue
  return {
    ...rest,
    value: round(value),
    peerValue: round(peerValue),
    ...(peerValue > 0 && { ratio: round(ratio) }),
    ...(goal !== undefined && judged(goal, value, ratio)),
  }
}

function judged(goal: Goal, value: number, ratio: number): Pick<Required<Row>, "goal" | "met"> {
  if ("ratioAtMost" in goal) return { goal: goal.ratioAtMost, met: ratio <= goal.ratioAtMost }
  if ("ratioAtLeast" in goal) return { goal: goal.ratioAtLeast, met: ratio >= goal.ratioAtLeast }
  return { goal: goal.atMost, met: value <= goal.atMost }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

export function round(value: number): number {
  return Number(value.toPrecision(3))
}
