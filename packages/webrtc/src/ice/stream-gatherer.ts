import { type Address, formatIp } from "../bytes/index.ts"
import type { Path, Reply, Socket } from "../contract/index.ts"
import type { IceOut } from "./events.ts"
import { at, type Gathering, type Interface, whyOf } from "./gathering.ts"
import { StreamBase } from "./stream-base.ts"
import { iceTcpFraming } from "./tcp-framing.ts"

/** RFC 6544 §4.5: of who connects, whose port is not known yet. */
const DISCARD_PORT = 9

/** Of one address: what connects, and what is connected to. */
interface Streams {
  readonly bases: StreamBase[]
  listening: Socket | undefined
}

/** Gathers ICE-TCP host candidates (RFC 6544 §5.1), and keeps the connections from and to them. */
export class StreamGatherer {
  readonly #gathering: Gathering
  /** Of connections that others made to one address. */
  readonly #limit: number
  readonly #streams = new Map<Interface, Streams>()
  readonly #byPath = new Map<Path, StreamBase>()

  constructor(gathering: Gathering, limit: number) {
    this.#gathering = gathering
    this.#limit = limit
  }

  get bases(): readonly StreamBase[] {
    return [...this.#streams.values()].flatMap(({ bases }) => bases)
  }

  baseAt(path: Path): StreamBase | undefined {
    return this.#byPath.get(path)
  }

  /** One candidate that connects, one that is connected to. Whoever only answers does not connect. */
  open(each: Interface, now: number, out: IceOut): void {
    this.#streams.set(each, { bases: [], listening: undefined })
    if (this.#gathering.options.lite !== true) this.#add(each, "active", DISCARD_PORT, now, out)
    const id = this.#gathering.expect(each, (reply, now, out) => this.#answered(each, reply, now, out))
    out.ask({ type: "listen", id, port: 0, framing: iceTcpFraming, ...at(each) })
  }

  /** The stream behind a path ended. */
  closed(path: Path, out: IceOut): void {
    this.#byPath.get(path)?.lost(path, out)
    this.#byPath.delete(path)
  }

  /** The address is gone. */
  leave(each: Interface, now: number, out: IceOut): void {
    const { bases = [], listening } = this.#streams.get(each) ?? {}
    this.#streams.delete(each)
    for (const base of bases) {
      this.#gathering.listener.removed(base, now, out)
      for (const [path, of] of this.#byPath) if (of === base) this.#byPath.delete(path)
      base.close(out)
    }
    if (listening !== undefined) out.ask({ type: "close", socket: listening })
  }

  #answered(each: Interface, reply: Reply, now: number, out: IceOut): void {
    const streams = this.#streams.get(each)!
    if (reply.type === "listening") {
      streams.listening = reply.socket
      this.#add(each, "passive", reply.local.port, now, out)
    } else if (reply.type === "accepted") {
      const base = streams.bases.find(({ candidate }) => candidate.tcpType === "passive")!
      if (this.#hasRoom(base, out)) this.#connected(base, out.paths.remote(reply.path), reply.path, out)
      else out.ask({ type: "close", socket: out.paths.socket(reply.path) })
    } else this.#gathering.failed(`tcp ${formatIp(each.ip)}`, whyOf(reply), out)
  }

  /** Anybody may connect, and say nothing: the oldest of those leaves for the next. */
  #hasRoom(base: StreamBase, out: IceOut): boolean {
    if (base.paths.length < this.#limit) return true
    const idle = base.paths.find(path => !this.#gathering.listener.isPaired(path))
    if (idle === undefined) return false
    this.#byPath.delete(idle)
    base.end(idle, out)
    return true
  }

  #add(each: Interface, tcpType: "active" | "passive", port: number, now: number, out: IceOut): void {
    const { ip, rank } = each
    const preference = { type: "host", rank, tcpType } as const
    const candidate = this.#gathering.candidate(preference, { ip, port }, `tcp ${formatIp(ip)}`)
    const connect = (base: StreamBase, remote: Address, out: IceOut) => this.#connect(each, base, remote, out)
    const base = new StreamBase(candidate, rank, connect)
    this.#streams.get(each)!.bases.push(base)
    this.#gathering.listener.added(base, now, out)
  }

  #connect(each: Interface, base: StreamBase, remote: Address, out: IceOut): void {
    const answered = (reply: Reply, now: number, out: IceOut) => {
      if (reply.type === "connected") this.#connected(base, remote, reply.path, out)
      else this.#gathering.listener.unconnected(base, remote, whyOf(reply), now, out)
    }
    const id = this.#gathering.expect(each, answered, false)
    out.ask({ type: "connect", id, remote, transport: "tcp", framing: iceTcpFraming, ...at(each) })
  }

  #connected(base: StreamBase, remote: Address, path: Path, out: IceOut): void {
    this.#byPath.set(path, base)
    base.connected(remote, path, out)
    this.#gathering.listener.connected(base, remote, path, out)
  }
}
