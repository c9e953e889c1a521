import type { Flow, Path } from "@tightbeam/webrtc/contract"
import type { Schedule } from "./schedule.ts"
import type { TcpConnection } from "./tcp-connection.ts"

/** A stream of a machine, as far as joining it goes. */
export interface Joinable {
  readonly path: Path
  readonly connection: TcpConnection
}

/** Bytes that may wait on one of two joined streams before nothing more is read from the other, as in `net`. */
const JOINED_QUEUE = 64 * 1024

/** Two streams of which each gets what arrives on the other, no faster than it takes it. */
export class Joined {
  readonly #one: Joinable
  readonly #other: Joinable
  readonly #flow: Flow | undefined
  readonly #schedule: Schedule
  #isWaiting = false

  constructor(one: Joinable, other: Joinable, flow: Flow | undefined, schedule: Schedule) {
    this.#one = one
    this.#other = other
    this.#flow = flow
    this.#schedule = schedule
  }

  otherOf(stream: Joinable): Joinable {
    return stream === this.#one ? this.#other : this.#one
  }

  carry(from: Joinable, bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#flow?.passed(from.path, bytes.length, this.#schedule.now)
    this.otherOf(from).connection.send(bytes)
    this.regulate()
  }

  /** Something was read, or has left. */
  regulate(): void {
    const delay = this.#isWaiting ? 0 : (this.#flow?.wait(this.#schedule.now) ?? 0)
    if (delay > 0) {
      this.#isWaiting = true
      this.#schedule.after(Math.ceil(delay), () => {
        this.#isWaiting = false
        this.regulate()
      })
    }
    for (const from of [this.#one, this.#other]) {
      const isFull = this.otherOf(from).connection.queued >= JOINED_QUEUE
      if (isFull || this.#isWaiting) from.connection.pause()
      else from.connection.resume()
    }
  }
}
