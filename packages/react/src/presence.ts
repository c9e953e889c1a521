import type { Room } from "@tightbeam/client"

/** Brings a `Room` to where the page wants it, one step after the other: what is wanted may change meanwhile. */
export class Presence {
  readonly #room: Room
  readonly #person: () => string
  #wanted: string | undefined
  #present: string | undefined
  #moving = false

  constructor(room: Room, person: () => string) {
    this.#room = room
    this.#person = person
  }

  /**
   * The room to be in; `undefined` for none. Looked at when this turn is over: StrictMode takes a component away
   * and puts it back at once, and the server need not know.
   */
  want(name: string | undefined): void {
    this.#wanted = name
    queueMicrotask(() => void this.#move())
  }

  /** Joins again what was closed. */
  rejoin(): void {
    if (this.#room.snapshot().state.status !== "closed") return
    this.#present = undefined
    void this.#move()
  }

  async #move(): Promise<void> {
    if (this.#moving) return
    this.#moving = true
    while (this.#present !== this.#wanted) {
      if (this.#present !== undefined) {
        this.#present = undefined
        await this.#room.leave()
      } else {
        this.#present = this.#wanted
        // The reason is in the snapshot. Not awaited: leaving ends a join that is under way.
        this.#room.join(this.#wanted!, { name: this.#person() }).catch(() => {})
      }
    }
    this.#moving = false
  }
}
