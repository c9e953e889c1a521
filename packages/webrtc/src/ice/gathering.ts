import { type Address, formatAddress } from "../bytes/index.ts"
import type { Path, Reply } from "../contract/index.ts"
import type { Base, SocketBase } from "./base.ts"
import { type Candidate, COMPONENT, candidatePriority, type Preference } from "./candidate.ts"
import type { IceOut } from "./events.ts"
import type { IceAgentOptions } from "./options.ts"
import type { OnRelayedData } from "./relayed-base.ts"

/** Of requests to servers: sent at 0, 0.25, 0.75, 1.75, 3.75 and 7.75 s, failed at 9.75 s. */
export const TRANSACTION = { rto: 250, rc: 6, rm: 8 } as const

/** What the agent hears of gathering. */
export interface GatheringListener {
  /** A base of its own, with its candidate. */
  added(base: Base, now: number, out: IceOut): void
  removed(base: Base, now: number, out: IceOut): void
  /** Whether data goes over it. */
  isInUse(base: Base): boolean
  /** Whether whoever is behind a stream proved to be the other agent. */
  isPaired(path: Path): boolean
  /** Where a server sees a base. */
  reflexive(base: Base, candidate: Candidate, server: Address, now: number, out: IceOut): void
  /** A pair of a base that connects, or is connected to, has a path now. */
  connected(base: Base, remote: Address, path: Path, out: IceOut): void
  unconnected(base: Base, remote: Address, why: string, now: number, out: IceOut): void
  readonly data: OnRelayedData
}

/** An address of this host. */
export interface Interface {
  readonly ip: Uint8Array
  readonly rank: number
  base: SocketBase | undefined
  /** Another's socket: it is not ours to close. */
  readonly isShared: boolean
  /** When a server last saw it elsewhere than before, ms. */
  movedAt: number
}

type Answered = (reply: Reply, now: number, out: IceOut) => void

interface Asked {
  /** Whose address it is for: when that is gone nobody waits for the answer. */
  readonly of: Interface
  readonly answered: Answered
  /** A candidate depends on it. Not so once it listens, and goes on answering. */
  isAwaited: boolean
}

/** What all that gathers shares: what was asked of the driver, and how candidates are called. */
export class Gathering {
  readonly options: IceAgentOptions
  readonly listener: GatheringListener
  readonly #asked = new Map<number, Asked>()
  #lastRequest = 0
  readonly #foundations = new Map<string, string>()

  constructor(options: IceAgentOptions, listener: GatheringListener) {
    this.options = options
    this.listener = listener
  }

  /** Whether an answer of the driver is waited for. */
  get isWaiting(): boolean {
    for (const { isAwaited } of this.#asked.values()) if (isAwaited) return true
    return false
  }

  /** Returns the id of a request to the driver. `isAwaited`: it is to give a candidate. */
  expect(of: Interface, answered: Answered, isAwaited = true): number {
    const id = ++this.#lastRequest
    this.#asked.set(id, { of, answered, isAwaited })
    return id
  }

  /** Brings an answer to whoever waits for it; where nobody does, what came is closed. */
  reply(reply: Reply, now: number, out: IceOut): void {
    const asked = this.#asked.get(reply.id)
    if (reply.type !== "listening" && reply.type !== "accepted") this.#asked.delete(reply.id)
    if (asked !== undefined) {
      asked.isAwaited = false
      asked.answered(reply, now, out)
    } else if (reply.type === "bound" || reply.type === "listening")
      out.ask({ type: "close", socket: reply.socket })
    else if (reply.type === "connected" || reply.type === "accepted")
      out.ask({ type: "close", socket: out.paths.socket(reply.path) })
  }

  /** The address is gone: nobody waits for answers that are for it. */
  forget(of: Interface): void {
    for (const [id, asked] of this.#asked) if (asked.of === of) this.#asked.delete(id)
  }

  candidate(preference: Preference, address: Address, foundation: string, related?: Address): Candidate {
    const { type, tcpType, relayTransport } = preference
    return {
      foundation: this.#foundation(`${type} ${foundation}`),
      component: COMPONENT,
      transport: tcpType === undefined ? "udp" : "tcp",
      priority: candidatePriority(preference),
      address,
      type,
      ...(related === undefined ? {} : { related }),
      ...(tcpType === undefined ? {} : { tcpType }),
      ...(relayTransport === undefined ? {} : { relayTransport }),
    }
  }

  /** RFC 8445 §5.1.1.3: a number for what is of the same type, base, server and transport. */
  #foundation(of: string): string {
    const known = this.#foundations.get(of)
    if (known !== undefined) return known
    const next = String(this.#foundations.size + 1)
    this.#foundations.set(of, next)
    return next
  }

  /** A server, or a socket of ours, gave no candidate. */
  failed(
    local: string,
    why: string,
    out: IceOut,
    server?: { readonly server: Address; readonly transport: "udp" | "tcp" | "tls" },
    code?: number,
  ): void {
    out.note({
      layer: "ice",
      kind: "gathering-failed",
      local,
      why,
      ...(server === undefined
        ? {}
        : { server: formatAddress(server.server), serverTransport: server.transport }),
      ...(code === undefined ? {} : { code }),
    })
  }
}

/** What a driver asks with a request that is for an address of ours. */
export function at({ ip }: Interface): { readonly family: 4 | 6; readonly ip: Uint8Array } {
  return { family: ip.length === 4 ? 4 : 6, ip }
}

export function whyOf(reply: Reply): string {
  return reply.type === "failed" ? reply.reason : reply.type
}

export function isSameFamily(ip: Uint8Array, server: Address): boolean {
  return ip.length === server.ip.length
}
