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

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

export function round(value: number): number {
  return Number(value.toPrecision(3))
}
