import type { Schedule } from "@tightbeam/sim"
import type { RemoteDescription } from "@tightbeam/webrtc/ice"

/** What two ends of a call say to each other, as browsers would in descriptions and trickled candidates (RFC 8838). */
export type Message =
  | ({ readonly type: "offer" } & RemoteDescription)
  | ({ readonly type: "answer" } & RemoteDescription)
  /** `text` is a candidate attribute. */
  | { readonly type: "candidate"; readonly ufrag: string; readonly text: string }
  | { readonly type: "end-of-candidates"; readonly ufrag: string }
  /** The one that may not offer wants a new generation. */
  | { readonly type: "restart" }

/** Carries messages one way, all of them and in order, whatever the network between the ends does. */
export class SignalingPipe {
  readonly #schedule: Schedule
  readonly #delay: number
  readonly #deliver: (message: Message) => void

  constructor(schedule: Schedule, delay: number, deliver: (message: Message) => void) {
    this.#schedule = schedule
    this.#delay = delay
    this.#deliver = deliver
  }

  post(message: Message): void {
    this.#schedule.after(this.#delay, () => this.#deliver(message))
  }
}
