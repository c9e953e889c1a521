import { type Address, equalAddress } from "../bytes/index.ts"
import type { Base } from "./base.ts"

/** What a check of theirs said. */
export interface HeardCheck {
  readonly base: Base
  readonly source: Address
  readonly transport: "udp" | "tcp"
  readonly priority: number
  /** -1 where it does not nominate. */
  readonly nomination: number
}

/** Checks that came before we knew whose they are (RFC 8445 §7.3.1.4). */
export class EarlyChecks {
  readonly #limit: number
  #checks: HeardCheck[] = []

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Of those from one place the one that nominates last is kept: that the others were sent again says nothing new. */
  keep(check: HeardCheck): void {
    const known = this.#indexOf(check.base, check.source)
    if (known >= 0) {
      if (check.nomination >= this.#checks[known]!.nomination) this.#checks[known] = check
    } else if (this.#checks.length < this.#limit) this.#checks.push(check)
  }

  has(base: Base, source: Address): boolean {
    return this.#indexOf(base, source) >= 0
  }

  /** All of them, the oldest first. */
  take(): readonly HeardCheck[] {
    return this.#checks.splice(0)
  }

  /** The base is no more. */
  forget(base: Base): void {
    this.#checks = this.#checks.filter(check => check.base !== base)
  }

  #indexOf(base: Base, source: Address): number {
    return this.#checks.findIndex(known => known.base === base && equalAddress(known.source, source))
  }
}
