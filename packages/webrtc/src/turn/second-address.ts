import { type Address, equalBytes } from "../bytes/index.ts"
import type { Socket } from "../contract/index.ts"

/** One of the four sockets, and the address that clients reach it by. */
export interface Listener {
  readonly socket: Socket
  readonly address: Address
}

/** The sockets of two addresses and two ports (RFC 5780 §6). */
export interface SecondAddress {
  /** In this order: A1:P1, A1:P2, A2:P1, A2:P2. */
  readonly listeners: readonly [Listener, Listener, Listener, Listener]
}

/** CHANGE-REQUEST (RFC 5780 §7.2): its bits, one to the right, are those by which a listener's place differs. */
const FLAGS = 0b110

/** Which socket answers, of the four that a client can tell its NAT's behaviour by. */
export class Listeners {
  readonly #listeners: readonly Listener[]

  /** Throws a TypeError where they are not the pairs of two addresses and two ports. */
  constructor(listeners: readonly Listener[]) {
    const [a1p1, a1p2, a2p1, a2p2] = listeners.map(({ address }) => address)
    const arePairs =
      listeners.length === 4 &&
      equalBytes(a1p1!.ip, a1p2!.ip) &&
      equalBytes(a2p1!.ip, a2p2!.ip) &&
      a1p1!.ip.length === a2p1!.ip.length &&
      !equalBytes(a1p1!.ip, a2p1!.ip) &&
      a1p1!.port === a2p1!.port &&
      a1p2!.port === a2p2!.port &&
      a1p1!.port !== a1p2!.port
    if (!arePairs)
      throw new TypeError("secondAddress.listeners: two addresses with the same two ports are needed")
    this.#listeners = listeners
  }

  has(socket: Socket): boolean {
    return this.#placeOf(socket) >= 0
  }

  /** RFC 5780 §6.1, table 1: which one answers what came to `socket`, as the flags of CHANGE-REQUEST want it. */
  answering(socket: Socket, flags: number): Listener {
    return this.#listeners[this.#placeOf(socket) ^ ((flags & FLAGS) >> 1)]!
  }

  /** OTHER-ADDRESS: the one that differs in both address and port. */
  other(socket: Socket): Listener {
    return this.answering(socket, FLAGS)
  }

  #placeOf(socket: Socket): number {
    return this.#listeners.findIndex(listener => listener.socket === socket)
  }
}
