import { type Endpoint, ipOf } from "./endpoints.ts"

/** The words of RFC 4787 §4.1 and §5, for mapping and for filtering alike. */
export type Dependence = "endpoint-independent" | "address-dependent" | "address-and-port-dependent"

/** What of a remote endpoint makes a difference: the same number, the same treatment. */
export function distinguish(dependence: Dependence, remote: Endpoint): number {
  if (dependence === "endpoint-independent") return 0
  return dependence === "address-dependent" ? ipOf(remote) : remote
}

/** Whom one internal endpoint has spoken to lately (RFC 4787 §5): they may answer. */
export class Filter {
  readonly #dependence: Dependence
  /** ms. */
  readonly #timeout: number
  readonly #spoken = new Map<number, number>()

  constructor(dependence: Dependence, timeout: number) {
    this.#dependence = dependence
    this.#timeout = timeout
  }

  /** Only what goes out keeps it open: what comes in might be an attacker's (RFC 4787 REQ-6). */
  sent(to: Endpoint, now: number): void {
    this.#spoken.set(distinguish(this.#dependence, to), now)
  }

  admits(from: Endpoint, now: number): boolean {
    const last = this.#spoken.get(distinguish(this.#dependence, from))
    return last !== undefined && now - last <= this.#timeout
  }
}
