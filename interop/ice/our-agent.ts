import { formatIp } from "../../packages/webrtc/src/bytes/index.ts"
import { nodeCrypto } from "../../packages/webrtc/src/crypto/node.ts"
import {
  IceAgent,
  type IceAgentOptions,
  type IceEvent,
  type IceRole,
  type RemoteDescription,
} from "../../packages/webrtc/src/ice/index.ts"
import { isHiddenName, resolveHiddenName } from "../../packages/webrtc/src/mdns/index.ts"
import { Driver, gatherableIps } from "../../packages/webrtc/src/net/index.ts"

/** What two agents tell each other, and how they carry it. */
export interface Description extends RemoteDescription {
  readonly candidates: readonly string[]
}

/** Our agent on real sockets, on every address of this machine but loopback's. */
export class OurAgent {
  readonly #agent: IceAgent
  readonly #driver: Driver<IceEvent>
  readonly #candidates: string[] = []
  readonly #gathered = Promise.withResolvers<void>()
  readonly #connected = Promise.withResolvers<void>()
  readonly #heard: Uint8Array[] = []
  #told: Promise<unknown> = Promise.resolve()
  #isClosed = false
  /** Called with all that comes. */
  onData: ((data: Uint8Array) => void) | undefined

  constructor(role: IceRole, options: Pick<IceAgentOptions, "lite" | "tcp" | "servers"> = {}) {
    this.#agent = new IceAgent({
      crypto: nodeCrypto,
      role,
      ...options,
      onData: d => {
        const data = d.bytes.slice(d.offset, d.offset + d.length)
        this.#heard.push(data)
        this.onData?.(data)
      },
    })
    this.#driver = new Driver(this.#agent, { onEvent: event => this.#hear(event) })
  }

  /** Ours, with all its candidates. */
  async describe(): Promise<Description> {
    const ips = gatherableIps()
    this.#driver.command((now, out) => this.#agent.gather(ips, now, out))
    await this.#gathered.promise
    return { ...this.#agent.local, candidates: this.#candidates, options: ["trickle", "renomination"] }
  }

  accept(remote: Description): void {
    this.#driver.command((now, out) => this.#agent.setRemote(remote, now, out))
    this.#told = Promise.all(remote.candidates.map(candidate => this.#add(candidate)))
  }

  /** Resolves once every candidate was told to the agent; rejects where a name could not be looked up. */
  get told(): Promise<unknown> {
    return this.#told
  }

  /** A browser may hide its address behind a name of this network. */
  async #add(candidate: string): Promise<void> {
    const fields = candidate.split(" ")
    const name = fields[4]!
    if (isHiddenName(name)) {
      const ip = await resolveHiddenName(name)
      if (ip === undefined) throw new Error(`nobody answers to ${name}`)
      fields[4] = formatIp(ip)
    }
    if (!this.#isClosed)
      this.#driver.command((now, out) => this.#agent.addRemoteCandidate(fields.join(" "), now, out))
  }

  /** Resolves once a pair works. */
  get connected(): Promise<void> {
    return this.#connected.promise
  }

  get pair(): string {
    const { selected } = this.#agent
    return selected === undefined ? "no pair" : `${selected.local.type} and ${selected.remote.type}`
  }

  send(data: Uint8Array): void {
    this.#driver.command((now, out) => {
      const at = this.#agent.reserve(data.length, now, out)
      if (at < 0) return
      out.bytes.set(data, at)
      this.#agent.commit(data.length, out)
    })
  }

  /** Resolves with the first data that `isIt`. */
  hear(isIt: (data: Uint8Array) => boolean): Promise<Uint8Array> {
    const { promise, resolve } = Promise.withResolvers<Uint8Array>()
    this.onData = data => {
      if (isIt(data)) resolve(data)
    }
    for (const data of this.#heard) this.onData(data)
    return promise
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#driver.command((now, out) => this.#agent.close(now, out))
    await this.#driver.close()
  }

  #hear(event: IceEvent): void {
    if (event.type === "candidate") this.#candidates.push(event.text)
    if (event.type === "end-of-candidates") this.#gathered.resolve()
    if (event.type === "state" && event.state === "connected") this.#connected.resolve()
    if (event.type === "state" && event.state === "failed")
      this.#connected.reject(new Error("our agent failed"))
  }
}
