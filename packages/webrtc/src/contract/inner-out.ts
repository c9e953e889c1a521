import type { Datagram } from "./datagram.ts"
import type { Evidence } from "./evidence.ts"
import type { Out } from "./machine.ts"
import type { Path, Paths } from "./path.ts"
import type { Request } from "./request.ts"

/** Our `out` for a machine within ours, but for what it tells: `Ours` is what we tell ourselves. */
export abstract class BorrowedOut<Event, Ours> implements Out<Event> {
  #out: Out<Ours> | undefined

  /** For the next call of the machine. */
  through(out: Out<Ours>): this {
    this.#out = out
    return this
  }

  protected get ours(): Out<Ours> {
    return this.#out!
  }

  get paths(): Paths {
    return this.#out!.paths
  }

  get bytes(): Uint8Array {
    return this.#out!.bytes
  }

  get view(): DataView {
    return this.#out!.view
  }

  reserve(path: Path, max: number): number {
    return this.#out!.reserve(path, max)
  }

  commit(length: number): void {
    this.#out!.commit(length)
  }

  forward(d: Datagram, skip: number, length: number, path: Path): void {
    this.#out!.forward(d, skip, length, path)
  }

  ask(request: Request): void {
    this.#out!.ask(request)
  }

  abstract tell(event: Event): void

  note(evidence: Evidence): void {
    this.#out!.note(evidence)
  }
}

/** What the machine tells is kept, to be heard once its call is over. */
export class InnerOut<Event> extends BorrowedOut<Event, unknown> {
  readonly events: Event[] = []

  tell(event: Event): void {
    this.events.push(event)
  }
}
