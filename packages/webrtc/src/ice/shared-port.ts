import type { Address } from "../bytes/index.ts"
import {
  BorrowedOut,
  type Datagram,
  Deadlines,
  type Due,
  type Machine,
  type Out,
  type Path,
  type Paths,
  type Socket,
} from "../contract/index.ts"
import { MessageClass, Method, StunMessage } from "../stun/index.ts"
import { IceAgent } from "./agent.ts"
import { localUfragOf } from "./connectivity-check.ts"
import type { IceEvent, IceOut } from "./events.ts"
import type { IceAgentOptions } from "./options.ts"

export type SharedPortEvent = { readonly agent: IceAgent; readonly event: IceEvent }
type PortOut = Out<SharedPortEvent>

/**
 * Many agents on the sockets of one owner, as a server has them: a check finds its agent by the ufrag that it names, and
 * what follows on that path goes the same way. Agents on it ask no servers and bind nothing.
 */
export class SharedPort implements Machine<SharedPortEvent> {
  readonly #agents = new Map<IceAgent, Sharer>()
  readonly #byUfrag = new Map<string, Sharer>()
  readonly #byPath = new Map<Path, Sharer>()
  readonly #deadlines = new Deadlines<Sharer>()
  readonly #message = new StunMessage()

  /**
   * A new agent, reached by `locals`: sockets of the owner, and the addresses that the other agent is told. Commands to it
   * go through `command`.
   */
  add(
    options: Omit<IceAgentOptions, "servers" | "policy" | "tcp">,
    locals: readonly { readonly socket: Socket; readonly local: Address }[],
    now: number,
    out: PortOut,
  ): IceAgent {
    const sharer = new Sharer(options, this.#byUfrag, this.#byPath)
    this.#agents.set(sharer.agent, sharer)
    sharer.run(out, out => {
      for (const { socket, local } of locals) sharer.agent.gatherOn(socket, local, now, out)
    })
    this.#schedule(sharer)
    return sharer.agent
  }

  /** Gives an agent a command. */
  command<T>(agent: IceAgent, give: (out: IceOut) => T, out: PortOut): T {
    const sharer = this.#sharerOf(agent)
    const result = sharer.run(out, give)
    this.#schedule(sharer)
    return result
  }

  /** Closes an agent. */
  remove(agent: IceAgent, now: number, out: PortOut): void {
    const sharer = this.#sharerOf(agent)
    sharer.run(out, out => agent.close(now, out))
    this.#deadlines.remove(sharer)
    this.#agents.delete(agent)
  }

  get size(): number {
    return this.#agents.size
  }

  receive(d: Datagram, now: number, out: PortOut): void {
    const named = this.#named(d)
    // Where several have the path, it is for who was named last: the others' other end may be gone.
    if (named?.out.paths.has(d.path) === true) this.#byPath.set(d.path, named)
    const sharer = named ?? this.#byPath.get(d.path)
    if (sharer === undefined) return
    sharer.agent.receive(d, now, sharer.out.through(out))
    this.#schedule(sharer)
  }

  reply(): void {
    // Its agents ask for nothing.
  }

  tick(now: number, out: PortOut): void {
    for (let sharer = this.#deadlines.take(now); sharer !== undefined; sharer = this.#deadlines.take(now)) {
      sharer.agent.tick(now, sharer.out.through(out))
      this.#schedule(sharer)
      // One that is due at once again waits its turn.
      if (sharer.agent.nextTick <= now) return
    }
  }

  get nextTick(): number {
    return this.#deadlines.next
  }

  /** Whose ufrag a check names: a client may come from anywhere. */
  #named(d: Datagram): Sharer | undefined {
    if (d.length === 0 || d.bytes[d.offset]! > 3) return undefined
    const message = this.#message
    if (message.parse(d.bytes, d.offset, d.length) !== undefined) return undefined
    if (message.method !== Method.binding || message.class !== MessageClass.request) return undefined
    const ufrag = localUfragOf(message)
    return ufrag === undefined ? undefined : this.#byUfrag.get(ufrag)
  }

  #schedule(sharer: Sharer): void {
    const { nextTick } = sharer.agent
    if (nextTick === Infinity) this.#deadlines.remove(sharer)
    else if (sharer.place < 0 || sharer.due !== nextTick) this.#deadlines.set(sharer, nextTick)
  }

  #sharerOf(agent: IceAgent): Sharer {
    const sharer = this.#agents.get(agent)
    if (sharer === undefined) throw new Error("agent: it is not on this port")
    return sharer
  }
}

/** An agent on the port, with the paths that are its own for as long as it holds them. */
class Sharer implements Due {
  due = Infinity
  place = -1
  readonly agent: IceAgent
  readonly out: SharerOut

  constructor(
    options: Omit<IceAgentOptions, "servers" | "policy" | "tcp">,
    byUfrag: Map<string, Sharer>,
    byPath: Map<Path, Sharer>,
  ) {
    this.agent = new IceAgent(options, {
      add: ufrag => void byUfrag.set(ufrag, this),
      delete: ufrag => void byUfrag.delete(ufrag),
    })
    this.out = new SharerOut(this, byPath)
  }

  run<T>(out: PortOut, give: (out: IceOut) => T): T {
    return give(this.out.through(out))
  }
}

class SharerOut extends BorrowedOut<IceEvent, SharedPortEvent> {
  readonly #sharer: Sharer
  readonly #paths: OwnPaths

  constructor(sharer: Sharer, byPath: Map<Path, Sharer>) {
    super()
    this.#sharer = sharer
    this.#paths = new OwnPaths(sharer, byPath)
  }

  override through(out: PortOut): this {
    this.#paths.paths = out.paths
    return super.through(out)
  }

  override get paths(): OwnPaths {
    return this.#paths
  }

  tell(event: IceEvent): void {
    this.ours.tell({ agent: this.#sharer.agent, event })
  }
}

/** What an agent holds is its own: what comes there is for it. */
class OwnPaths implements Paths {
  paths!: Paths
  readonly #sharer: Sharer
  readonly #byPath: Map<Path, Sharer>
  readonly #holds = new Map<Path, number>()

  constructor(sharer: Sharer, byPath: Map<Path, Sharer>) {
    this.#sharer = sharer
    this.#byPath = byPath
  }

  open(socket: Socket, remote: Address): Path {
    return this.paths.open(socket, remote)
  }

  hold(path: Path): void {
    this.paths.hold(path)
    this.#holds.set(path, (this.#holds.get(path) ?? 0) + 1)
    this.#byPath.set(path, this.#sharer)
  }

  release(path: Path): void {
    this.paths.release(path)
    const holds = (this.#holds.get(path) ?? 0) - 1
    if (holds > 0) this.#holds.set(path, holds)
    else {
      this.#holds.delete(path)
      if (this.#byPath.get(path) === this.#sharer) this.#byPath.delete(path)
    }
  }

  has(path: Path): boolean {
    return this.#holds.has(path)
  }

  socket(path: Path): Socket {
    return this.paths.socket(path)
  }

  remote(path: Path): Address {
    return this.paths.remote(path)
  }

  transport(path: Path): ReturnType<Paths["transport"]> {
    return this.paths.transport(path)
  }
}
