import type { Dependence, Policy } from "@tightbeam/sim"

/** A NAT, in the words of RFC 4787. */
export interface NatKind {
  readonly kind: "nat"
  readonly mapping: Dependence
  readonly filtering: Dependence
  /** Default "random" unless the mapping is endpoint-independent. */
  readonly ports?: "preserved" | "random"
  /** Default "paired". */
  readonly pooling?: "paired" | "arbitrary"
  /** How many external addresses. Default 1. */
  readonly addresses?: number
  /** Default true. */
  readonly hairpinning?: boolean
  /** Where its internal addresses begin. Default: where all homes' do. */
  readonly subnet?: string
}

export interface FirewallKind {
  readonly kind: "firewall"
  readonly filtering: Dependence
}

/**
 * A network as data, from which an internet is built and of which the oracle thinks. Who names the same object is in the
 * same network.
 */
export interface Place {
  readonly name: string
  readonly router: NatKind | FirewallKind
  /** The network that it is in. Default: the Internet. */
  readonly outer?: Place
  /** What its hosts may send out. Default: everything. */
  readonly policy?: Policy
}

/** Where one interface of a host is; in no place it is on the Internet itself. */
export interface Seat {
  readonly place: Place | undefined
  readonly families: readonly (4 | 6)[]
}

/** From the innermost place of a seat outwards. */
export function* outwards(place: Place | undefined): Generator<Place> {
  for (let each = place; each !== undefined; each = each.outer) yield each
}
