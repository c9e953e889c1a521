import type { Readiness, Signal, UdpSockets } from "../native/index.ts"
import { BatchedIo } from "./batched-io.ts"
import { type Clock, monotonicNow } from "./clock.ts"
import type { CreateUdpIo } from "./udp-io.ts"
import type { Waiting, Watched, Watcher } from "./waiting.ts"

/** Sockets that one look tells of. */
const READY = 64

export interface EventLoopOptions {
  /** The longest that it waits at once, in ms: whoever ends the thread waits so long. Default 1,000. */
  readonly patience?: number
  /** How long it runs before Node's own loop has its turn, in ms: promises, messages, what the collector left to do. Default 1,000. */
  readonly turn?: number
}

/**
 * The event loop of a thread that does little else than receive and send: it blocks in the kernel until one of its
 * sockets can be read, a timer is due, or another thread raises its signal. Node's own loop costs more for each wake-up
 * than a small packet does altogether. That one has its turn when this one is signalled, and every now and then.
 */
export class EventLoop implements Waiting, Clock {
  readonly readsFirst = false
  readonly #sockets: UdpSockets
  readonly #readiness: Readiness
  readonly #signal: Signal
  readonly #patience: number
  readonly #turn: number
  /** By descriptor. */
  readonly #watchers: (Watcher | undefined)[] = []
  /** Descriptors that were not emptied: nobody tells of them a second time. */
  readonly #left = new Set<number>()
  #calls: (() => void)[] = []
  readonly #timers = new Set<Timer>()
  /** When the first of them is due, or earlier. */
  #due = Infinity
  #immediate: NodeJS.Immediate | undefined
  /** When it last woke up, as long as it has not left off; else -1. Always a number, lest each be a new object. */
  #now = -1

  constructor(sockets: UdpSockets, { patience = 1000, turn = 1000 }: EventLoopOptions = {}) {
    this.#sockets = sockets
    this.#patience = patience
    this.#turn = turn
    this.#readiness = sockets.readiness(READY)
    this.#signal = sockets.signal()
    this.#readiness.add(this.#signal.fd)
  }

  /** What other threads wake this one by, after a message to it: `UdpSockets.signalOf`. */
  get signalFd(): number {
    return this.#signal.fd
  }

  readonly createIo: CreateUdpIo = (paths, onBatch, options) =>
    new BatchedIo(this.#sockets, paths, onBatch, options, this)

  /** From now on, this is what the thread does. */
  start(): void {
    const turn = (): void => {
      this.#immediate = setImmediate(turn)
      this.#run()
    }
    this.#immediate = setImmediate(turn)
  }

  stop(): void {
    clearImmediate(this.#immediate)
    this.#immediate = undefined
    this.#readiness.close()
    this.#signal.close()
  }

  watch(fd: number, _family: 4 | 6, watcher: Watcher): Watched {
    this.#watchers[fd] = watcher
    this.#readiness.add(fd)
    return {
      close: () => {
        this.#watchers[fd] = undefined
        this.#readiness.remove(fd)
        this.#sockets.close(fd)
        return Promise.resolve()
      },
    }
  }

  later(call: () => void): void {
    this.#calls.push(call)
  }

  now(): number {
    return this.#now < 0 ? monotonicNow() : this.#now
  }

  set(call: () => void, delay: number): Timer {
    const timer = { at: monotonicNow() + delay, call }
    this.#timers.add(timer)
    this.#due = Math.min(this.#due, timer.at)
    return timer
  }

  clear(timer: Timer): void {
    this.#timers.delete(timer)
  }

  #run(): void {
    let now = monotonicNow()
    const until = now + this.#turn
    let isOver = false
    do {
      const count = this.#readiness.wait(this.#timeout(now))
      now = monotonicNow()
      this.#now = now
      if (this.#left.size > 0) this.#readLeft()
      for (let i = 0; i < count; i++) {
        const fd = this.#readiness.ready(i)
        if (fd === this.#signal.fd) {
          this.#signal.clear()
          isOver = true
        } else this.#read(fd)
      }
      // What is called may settle promises, and those go on when Node has its turn.
      if (this.#callLater()) isOver = true
      if (now >= this.#due) this.#callDue(now)
    } while (!isOver && now < until && this.#immediate !== undefined)
    this.#now = -1
  }

  #timeout(now: number): number {
    if (this.#calls.length > 0 || this.#left.size > 0) return 0
    return Math.max(Math.min(this.#patience, Math.ceil(this.#due - now)), 0)
  }

  #read(fd: number): void {
    if (this.#watchers[fd]?.readable() === true) this.#left.add(fd)
  }

  #readLeft(): void {
    const left = [...this.#left]
    this.#left.clear()
    for (const fd of left) this.#read(fd)
  }

  #callLater(): boolean {
    if (this.#calls.length === 0) return false
    const calls = this.#calls
    this.#calls = []
    for (const call of calls) call()
    return true
  }

  #callDue(now: number): void {
    for (const timer of this.#timers) {
      if (timer.at > now) continue
      this.#timers.delete(timer)
      timer.call()
    }
    this.#due = Infinity
    for (const { at } of this.#timers) this.#due = Math.min(this.#due, at)
  }
}

interface Timer {
  readonly at: number
  readonly call: () => void
}
