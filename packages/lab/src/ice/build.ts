import type { Host, Internet, LinkOptions, Network } from "@tightbeam/sim"
import type { Place, Seat } from "./place.ts"

/** What a packet crosses within a place, so that neighbours are not at distance 0. */
const INSIDE: LinkOptions = { delay: 1 }

/** Builds places in an internet, each of them once. */
export class Builder {
  readonly #internet: Internet
  readonly #networks = new Map<Place, Network>()
  readonly #inside: LinkOptions

  constructor(internet: Internet, inside: LinkOptions = INSIDE) {
    this.#internet = internet
    this.#inside = inside
  }

  /** The network of a place, and with it those that it is in. */
  network(place: Place | undefined): Network {
    if (place === undefined) return this.#internet
    const known = this.#networks.get(place)
    if (known !== undefined) return known
    const outer = this.network(place.outer)
    const site = { name: place.name, policy: place.policy ?? {}, inside: this.#inside }
    const { router } = place
    const network =
      router.kind === "firewall"
        ? outer.firewall({ ...site, filtering: router.filtering })
        : outer.nat({ ...site, ...router })
    this.#networks.set(place, network)
    return network
  }

  host(name: string, seats: readonly Seat[]): Host {
    const [first, ...more] = seats
    const host = this.network(first!.place).host(name, { families: first!.families })
    for (const { place, families } of more) host.attach(this.network(place), { families })
    return host
  }
}
