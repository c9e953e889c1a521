import { BorrowedOut, type Path } from "../contract/index.ts"
import type { DtlsEvent } from "../dtls/index.ts"
import type { IceAgent, IceEvent, IceOut } from "../ice/index.ts"
import type { PeerEvent, PeerOut } from "./events.ts"

/** Our `out` for the agent. */
export class AgentOut extends BorrowedOut<IceEvent, PeerEvent> {
  readonly #heard: () => void

  constructor(heard: () => void) {
    super()
    this.#heard = heard
  }

  /** The one that it is borrowed from. */
  get lender(): PeerOut {
    return this.ours
  }

  tell(event: IceEvent): void {
    this.#heard()
    this.ours.tell({ type: "ice", event })
  }
}

/** Our `out` for DTLS: what it sends, the agent sends wherever data goes now, and nowhere while that is unknown. */
export class DtlsOut extends BorrowedOut<DtlsEvent, PeerEvent> {
  readonly #agent: IceAgent
  readonly #agentOut: AgentOut
  readonly #heard: (event: DtlsEvent) => void
  #now = 0
  #isLost = false
  /** What goes nowhere is written here. */
  #sink = new Uint8Array(0)
  #sinkView = new DataView(this.#sink.buffer)

  constructor(agent: IceAgent, agentOut: AgentOut, heard: (event: DtlsEvent) => void) {
    super()
    this.#agent = agent
    this.#agentOut = agentOut
    this.#heard = heard
  }

  at(now: number, out: PeerOut): this {
    this.#now = now
    this.#isLost = false
    return this.through(out)
  }

  /** Whether what there was last made room for goes nowhere. */
  get isLost(): boolean {
    return this.#isLost
  }

  override get bytes(): Uint8Array {
    return this.#isLost ? this.#sink : this.ours.bytes
  }

  override get view(): DataView {
    return this.#isLost ? this.#sinkView : this.ours.view
  }

  override reserve(_path: Path, max: number): number {
    const at = this.#agent.reserve(max, this.#now, this.#through)
    this.#isLost = at < 0
    if (at >= 0) return at
    if (this.#sink.length < max) {
      this.#sink = new Uint8Array(max)
      this.#sinkView = new DataView(this.#sink.buffer)
    } else this.#sink.fill(0, 0, max)
    return 0
  }

  override commit(length: number): void {
    if (!this.#isLost) this.#agent.commit(length, this.#through)
  }

  tell(event: DtlsEvent): void {
    this.#heard(event)
    this.ours.tell({ type: "dtls", event })
  }

  get #through(): IceOut {
    return this.#agentOut.through(this.ours)
  }
}
