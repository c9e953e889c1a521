import type { Driver, Host } from "@tightbeam/sim"
import { IceAgent, type IceAgentOptions, type IceEvent, type RemoteDescription } from "@tightbeam/webrtc/ice"
import type { Message } from "./signaling.ts"
import { Transfer } from "./transfer.ts"

/** How long a call may be disconnected before its owner asks for a restart, ms. */
const PATIENCE = 1000
/** Between two restarts, ms: one must be given the time to work. */
const BETWEEN_RESTARTS = 8000

export interface CallerOptions extends Pick<IceAgentOptions, "crypto" | "role" | "servers" | "tcp" | "rto"> {
  readonly host: Host
  /** Whether it says the first word. */
  readonly offers: boolean
  /** What is to be sent each way in the end, bytes. */
  readonly bytes: number
  /** `ice-options` (RFC 8839 §5.6). */
  readonly iceOptions: readonly string[]
  /** Whether a path that is lost is looked for anew. */
  readonly restarts: boolean
  readonly say: (message: Message) => void
}

/** One end of a call: an agent on a host, and an owner that signals for it and has something to send. */
export class Caller {
  readonly agent: IceAgent
  readonly driver: Driver<IceEvent>
  readonly transfer: Transfer
  readonly host: Host
  /** When the other end's first description was there, ms. */
  describedAt: number = Number.POSITIVE_INFINITY
  /** When data could first be sent, ms. */
  selectedAt: number = Number.POSITIVE_INFINITY
  readonly #options: CallerOptions
  #remoteUfrag: string | undefined
  readonly #past = new Set<string>()
  /** What came before the description that it belongs to. */
  #early: Message[] = []
  #awaitsAnswer = false
  #restartedAt = Number.NEGATIVE_INFINITY
  #restartIsDue = false

  constructor(options: CallerOptions) {
    const { host, crypto, bytes, role, servers = [], tcp = false, rto = {} } = options
    this.#options = options
    this.host = host
    this.agent = new IceAgent({
      crypto,
      role,
      servers,
      tcp,
      rto,
      onData: ({ bytes, offset, length }) => this.transfer.receive(bytes.slice(offset, offset + length)),
    })
    this.driver = host.run(this.agent, { onEvent: event => this.#heard(event) })
    this.transfer = new Transfer(host.schedule, bytes, datagram => this.#send(datagram))
    host.onInterfaces(() => this.#gather())
  }

  /** Rings the other end. */
  call(): void {
    this.#describe("offer")
    this.#gather()
  }

  restart(): void {
    if (!this.#options.offers) return this.#options.say({ type: "restart" })
    if (this.#awaitsAnswer) return this.#restartSoon(PATIENCE, () => true)
    this.#restartedAt = this.#now
    this.driver.command((now, out) => this.agent.restart(now, out))
    this.#describe("offer")
  }

  hear(message: Message): void {
    const { type } = message
    if (type === "restart") return this.#restartSoon(0, () => true)
    if (type === "offer" || type === "answer") return this.#take(message)
    const { ufrag } = message
    if (this.#past.has(ufrag)) return
    if (ufrag !== this.#remoteUfrag) this.#early.push(message)
    else if (message.type === "end-of-candidates")
      this.driver.command((now, out) => this.agent.endOfRemoteCandidates(now, out))
    else {
      const fault = this.driver.command((now, out) => this.agent.addRemoteCandidate(message.text, now, out))
      if (fault !== undefined) throw new Error(`${this.host.name}: "${message.text}" was not taken: ${fault}`)
    }
  }

  /** Connectivity checks so far, with those sent again. */
  get checks(): number {
    return this.driver.evidence.filter(({ layer, kind }) => layer === "ice" && kind === "check-sent").length
  }

  get #isLost(): boolean {
    return this.agent.state === "disconnected" || this.agent.state === "failed"
  }

  get #now(): number {
    return this.host.schedule.now
  }

  #describe(type: "offer" | "answer"): void {
    this.#awaitsAnswer = type === "offer"
    this.#options.say({ type, ...this.agent.local, options: this.#options.iceOptions })
  }

  #take({ type, ...remote }: Extract<Message, RemoteDescription>): void {
    const { ufrag } = remote
    const isFirst = this.#remoteUfrag === undefined
    if (this.#remoteUfrag !== undefined) this.#past.add(this.#remoteUfrag)
    this.#remoteUfrag = ufrag
    if (isFirst) this.describedAt = this.#now
    if (type === "answer") this.#awaitsAnswer = false
    this.driver.command((now, out) => this.agent.setRemote(remote, now, out))
    if (type === "offer") {
      this.#describe("answer")
      if (isFirst) this.#gather()
    }
    const early = this.#early
    this.#early = []
    for (const message of early) this.hear(message)
  }

  #gather(): void {
    this.driver.command((now, out) => this.agent.gather(this.host.ips, now, out))
  }

  #heard(event: IceEvent): void {
    const { say } = this.#options
    if (event.type === "candidate") say({ type: "candidate", ufrag: event.ufrag, text: event.text })
    else if (event.type === "end-of-candidates") say({ type: "end-of-candidates", ufrag: event.ufrag })
    else if (event.type === "selected") this.selectedAt = Math.min(this.selectedAt, this.#now)
    else if (this.#isLost) this.#restartSoon(PATIENCE, () => this.#isLost)
  }

  #restartSoon(patience: number, isWanted: () => boolean): void {
    if (!this.#options.restarts || this.#restartIsDue) return
    this.#restartIsDue = true
    const wait = Math.max(patience, this.#restartedAt + BETWEEN_RESTARTS - this.#now)
    this.host.schedule.after(wait, () => {
      this.#restartIsDue = false
      if (isWanted()) this.restart()
    })
  }

  #send(bytes: Uint8Array): boolean {
    return this.driver.command((now, out) => {
      const at = this.agent.reserve(bytes.length, now, out)
      if (at < 0) return false
      out.bytes.set(bytes, at)
      this.agent.commit(bytes.length, out)
      return true
    })
  }
}
