/** A stretch of time for people: "<1 ms", "38 ms", "1.2 s", "15 s", "1 min 5 s". */
export function formatDuration(ms: number): string {
  if (ms < 1) return "<1 ms"
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`
  if (ms < 59_500) return `${Math.round(ms / 1000)} s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 3600) return join(Math.floor(seconds / 60), "min", seconds % 60, "s")
  const minutes = Math.round(seconds / 60)
  return join(Math.floor(minutes / 60), "h", minutes % 60, "min")
}

const join = (large: number, unit: string, small: number, smallUnit: string): string =>
  small === 0 ? `${large} ${unit}` : `${large} ${unit} ${small} ${smallUnit}`

/** Whole seconds left, never below zero: what a countdown shows. */
export const secondsLeft = (until: number, now: number): number =>
  Math.max(0, Math.ceil((until - now) / 1000))
