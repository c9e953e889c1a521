import { type Signal, signal } from "@preact/signals"
import type { Pin } from "./pin.ts"

/** How somebody looks at the calls of a room: outlives a call, so that who rejoins finds it as it was. */
export class View {
  readonly pin: Signal<Pin | undefined> = signal<Pin | undefined>(undefined)
  readonly captions: Signal<boolean> = signal(false)
  /** No pictures are received, so that little bandwidth is enough. */
  readonly audioOnly: Signal<boolean> = signal(false)
}
