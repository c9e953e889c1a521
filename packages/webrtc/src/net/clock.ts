/** `performance.now()` counts from when its thread began: this is what all threads add to agree. */
const [seconds, nanoseconds] = process.hrtime()
const ORIGIN = seconds * 1000 + nanoseconds / 1e6 - performance.now()

/** The system's monotonic clock in ms, which all threads and the machines on them share. */
export function monotonicNow(): number {
  return performance.now() + ORIGIN
}
