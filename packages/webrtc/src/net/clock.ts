// The global of that name is a getter: to call it takes code that a relay's thread has in its caches for nothing else.
import { performance } from "node:perf_hooks"

/** `performance.now()` counts from when its thread began: this is what all threads add to agree. */
const [seconds, nanoseconds] = process.hrtime()
const ORIGIN = seconds * 1000 + nanoseconds / 1e6 - performance.now()

/** The system's monotonic clock in ms, which all threads and the machines on them share. */
export function monotonicNow(): number {
  return performance.now() + ORIGIN
}

/** What a driver knows the time by. */
export interface Clock {
  /** As `monotonicNow`, or a little earlier. */
  now(): number
  /** Calls something once, after a delay in ms. */
  set(call: () => void, delay: number): unknown
  /** What `set` returned; nothing happens where that was called already. */
  clear(timer: unknown): void
}

/** The platform's. */
export const NODE_CLOCK: Clock = {
  now: monotonicNow,
  set: (call, delay) => setTimeout(call, delay),
  clear: timer => clearTimeout(timer as NodeJS.Timeout | undefined),
}
