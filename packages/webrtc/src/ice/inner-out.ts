import type { Datagram, Evidence, Out, Path, Paths, Request } from "../contract/index.ts"

/** Gives a machine within ours our `out`, but for what it tells: that is ours to hear, once its call is over. */
export class InnerOut<Event> implements Out<Event> {
  readonly events: Event[] = []
  #out: Out<unknown> | undefined

  through(out: Out<unknown>): this {
    this.#out = out
    return this
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

  tell(event: Event): void {
    this.events.push(event)
  }

  note(evidence: Evidence): void {
    this.#out!.note(evidence)
  }
}
