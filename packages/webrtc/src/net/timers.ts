/** Calls something once, after a delay in ms. */
export interface Timers {
  set(call: () => void, delay: number): unknown
  /** What `set` returned; nothing happens where that was called already. */
  clear(timer: unknown): void
}

/** The platform's. */
export const NODE_TIMERS: Timers = {
  set: (call, delay) => setTimeout(call, delay),
  clear: timer => clearTimeout(timer as NodeJS.Timeout | undefined),
}
