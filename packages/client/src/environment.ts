/** What carries signaling messages: a WebSocket, or what a test puts in its place. */
export interface Transport {
  send(text: string): void
  close(): void
}

export interface TransportHandlers {
  opened(): void
  message(text: string): void
  /** Told once, whoever ended it, also when it never opened. */
  closed(): void
}

/** Time and chance, so that tests can own them. */
export interface Clock {
  /** ms, monotonic. */
  now(): number
  /** Runs `act` after `delay` ms; returns how to cancel it. */
  after(delay: number, act: () => void): () => void
  /** 0 ≤ x < 1. */
  random(): number
}

export const realClock: Clock = {
  now: () => performance.now(),
  after: (delay, act) => {
    const timer = setTimeout(act, delay)
    return () => clearTimeout(timer)
  },
  random: () => Math.random(),
}
