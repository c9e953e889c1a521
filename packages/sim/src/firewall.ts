import type { Endpoint } from "./endpoints.ts"
import { type Dependence, Filter } from "./filter.ts"
import type { Packet, Protocol } from "./packet.ts"
import type { Fate, Router } from "./router.ts"
import { TCP_TIMEOUT, UDP_TIMEOUT } from "./timeouts.ts"

export interface FirewallOptions {
  /** Who may answer what was sent. Default "address-and-port-dependent". */
  readonly filtering?: Dependence
  /** How long after the last outbound UDP packet, ms. Default 2 minutes. */
  readonly timeout?: number
}

/** Lets in what answers what went out, and translates nothing (RFC 6092 for IPv6). */
export class Firewall implements Router {
  readonly addresses: readonly [] = []
  readonly #filtering: Dependence
  readonly #timeouts: Readonly<Record<Protocol, number>>
  readonly #filters = { udp: new Map<Endpoint, Filter>(), tcp: new Map<Endpoint, Filter>() }

  constructor({ filtering = "address-and-port-dependent", timeout = UDP_TIMEOUT }: FirewallOptions) {
    this.#filtering = filtering
    this.#timeouts = { udp: timeout, tcp: TCP_TIMEOUT }
  }

  outbound({ protocol, from, to }: Packet, now: number): Fate {
    let filter = this.#filters[protocol].get(from)
    if (filter === undefined) {
      filter = new Filter(this.#filtering, this.#timeouts[protocol])
      this.#filters[protocol].set(from, filter)
    }
    filter.sent(to, now)
    return "passes"
  }

  inbound({ protocol, from, to }: Packet, now: number): Fate {
    return this.#filters[protocol].get(to)?.admits(from, now) ? "passes" : "filtered"
  }

  reboot(): void {
    this.#filters.udp.clear()
    this.#filters.tcp.clear()
  }
}
