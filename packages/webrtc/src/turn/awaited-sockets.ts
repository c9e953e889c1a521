import type { Out, Socket } from "../contract/index.ts"
import type { Allocation } from "./allocation.ts"

/** What one allocation waits for. */
interface Awaited {
  readonly allocation: Allocation
  /** Of the requests, one for each port. */
  readonly ids: readonly number[]
  /** Those that came, each at the place of its request. */
  readonly sockets: (Socket | undefined)[]
}

/** The relay sockets that were asked of the driver: one for an allocation, or the pair of EVEN-PORT, all or none. */
export class AwaitedSockets {
  readonly #byId = new Map<number, Awaited>()
  readonly #nextId: () => number

  constructor(nextId: () => number) {
    this.#nextId = nextId
  }

  /** Asks for a socket on each of these ports. */
  ask(allocation: Allocation, ports: readonly number[], out: Out<never>): void {
    const { family, protocol } = allocation
    const ids = ports.map(() => this.#nextId())
    const awaited = { allocation, ids, sockets: [] }
    for (const id of ids) this.#byId.set(id, awaited)
    for (const [i, port] of ports.entries()) {
      const id = ids[i]!
      // The answer to the one before may have come at once, and ended it.
      if (this.#byId.has(id)) out.ask({ type: protocol === "udp" ? "bind" : "listen", id, family, port })
    }
  }

  /** A socket came: closed at once when nobody waits for it any more. Returns whose are all there now. */
  bound(id: number, socket: Socket, out: Out<never>): Awaited | undefined {
    const awaited = this.#byId.get(id)
    if (awaited === undefined) {
      out.ask({ type: "close", socket })
      return undefined
    }
    this.#byId.delete(id)
    awaited.sockets[awaited.ids.indexOf(id)] = socket
    return awaited.ids.some(each => this.#byId.has(each)) ? undefined : awaited
  }

  /** No socket came. Returns whose it would have been; the other of a pair is given back. */
  failed(id: number, out: Out<never>): Allocation | undefined {
    const awaited = this.#byId.get(id)
    if (awaited !== undefined) this.#end(awaited, out)
    return awaited?.allocation
  }

  /** Nobody waits for an allocation's sockets any more. */
  forget(allocation: Allocation, out: Out<never>): void {
    for (const awaited of this.#byId.values()) if (awaited.allocation === allocation) this.#end(awaited, out)
  }

  /** Nobody waits for any. */
  clear(out: Out<never>): void {
    for (const awaited of this.#byId.values()) this.#end(awaited, out)
  }

  #end({ ids, sockets }: Awaited, out: Out<never>): void {
    for (const id of ids) this.#byId.delete(id)
    for (const socket of sockets) if (socket !== undefined) out.ask({ type: "close", socket })
  }
}
