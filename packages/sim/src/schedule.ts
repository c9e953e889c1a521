interface Due {
  readonly at: number
  readonly order: number
  readonly run: () => void
  cancelled: boolean
}

/** The virtual clock, and what is due on it. Things due at the same time run in the order they were set. */
export class Schedule {
  #now = 0
  #order = 0
  /** A binary heap by (at, order). */
  readonly #heap: Due[] = []

  /** ms since the run began. */
  get now(): number {
    return this.#now
  }

  /** Runs `run` after `delay` ms (0 or more); returns how to cancel it. */
  after(delay: number, run: () => void): () => void {
    if (!(delay >= 0)) throw new RangeError(`after(delay): ${delay} is not a number of ms ≥ 0`)
    if (delay === Number.POSITIVE_INFINITY) return () => {}
    const due: Due = { at: this.#now + delay, order: this.#order++, run, cancelled: false }
    this.#push(due)
    return () => {
      due.cancelled = true
    }
  }

  /** Runs `run` at this time, or at once when it has passed; not to be cancelled. */
  at(time: number, run: () => void): void {
    this.#push({ at: Math.max(time, this.#now), order: this.#order++, run, cancelled: false })
  }

  /** Runs the next thing due, if it is due by `until`; returns whether there was one. */
  step(until: number = Number.POSITIVE_INFINITY): boolean {
    for (;;) {
      const due = this.#heap[0]
      if (due === undefined || due.at > until) return false
      this.#pop()
      if (due.cancelled) continue
      this.#now = due.at
      due.run()
      return true
    }
  }

  /** Runs everything due within `ms`, then stands at exactly that time. */
  run(ms: number): void {
    const end = this.#now + ms
    while (this.step(end));
    this.#now = end
  }

  /** Runs until `condition` holds; throws if it does not within `ms`. */
  runUntil(condition: () => boolean, ms: number): void {
    const end = this.#now + ms
    while (!condition()) {
      if (!this.step(end)) throw new Error(`runUntil: the condition did not hold within ${ms} virtual ms`)
    }
  }

  #push(due: Due): void {
    const heap = this.#heap
    let i = heap.push(due) - 1
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (!before(due, heap[parent]!)) break
      heap[i] = heap[parent]!
      i = parent
    }
    heap[i] = due
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()!
    if (heap.length === 0) return
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++
      if (!before(heap[child]!, last)) break
      heap[i] = heap[child]!
      i = child
    }
    heap[i] = last
  }
}

function before(a: Due, b: Due): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
