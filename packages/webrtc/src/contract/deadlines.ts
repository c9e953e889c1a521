const OUTSIDE = -1

/** Something with a time at which it wants to be looked at. */
export interface Due {
  /** In ms, on the machine's clock. Owned by `Deadlines` while in there. */
  due: number
  /** Its place in the heap; -1 outside. Owned by `Deadlines`. */
  place: number
}

/** A min-heap of what is due when: the next one is known at once, changes cost the logarithm. */
export class Deadlines<Item extends Due> {
  readonly #heap: Item[] = []

  get next(): number {
    return this.#heap[0]?.due ?? Infinity
  }

  get size(): number {
    return this.#heap.length
  }

  /** Puts an item in, or moves it. */
  set(item: Item, due: number): void {
    if (item.place === OUTSIDE) {
      item.place = this.#heap.length
      this.#heap.push(item)
    }
    item.due = due
    this.#rise(item)
    this.#sink(item)
  }

  remove(item: Item): void {
    if (item.place === OUTSIDE) return
    const last = this.#heap.pop()!
    const { place } = item
    item.place = OUTSIDE
    if (last === item) return
    last.place = place
    this.#heap[place] = last
    this.#rise(last)
    this.#sink(last)
  }

  /** Takes out the item that is due first, if it is due at `now`. */
  take(now: number): Item | undefined {
    const first = this.#heap[0]
    if (first === undefined || first.due > now) return undefined
    this.remove(first)
    return first
  }

  #rise(item: Item): void {
    while (item.place > 0) {
      const parent = this.#heap[(item.place - 1) >> 1]!
      if (parent.due <= item.due) return
      this.#exchange(parent, item)
    }
  }

  #sink(item: Item): void {
    for (;;) {
      const left = this.#heap[2 * item.place + 1]
      const right = this.#heap[2 * item.place + 2]
      const child = right !== undefined && right.due < left!.due ? right : left
      if (child === undefined || child.due >= item.due) return
      this.#exchange(item, child)
    }
  }

  /** `child` takes the place of `parent`. */
  #exchange(parent: Item, child: Item): void {
    const { place } = parent
    parent.place = child.place
    child.place = place
    this.#heap[parent.place] = parent
    this.#heap[place] = child
  }
}
