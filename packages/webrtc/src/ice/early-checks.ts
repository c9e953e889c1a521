import { type Address, equalAddress } from "../bytes/index.ts"
import { NO_PATH, type Path, type Paths } from "../contract/index.ts"
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

interface KeptCheck extends HeardCheck {
  /** `NO_PATH` where it is not ours to hold. */
  readonly held: Path
}

/** Checks that came before we knew whose they are (RFC 8445 §7.3.1.4). */
export class EarlyChecks {
  readonly #limit: number
  #checks: KeptCheck[] = []

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Of those from one place the one that nominates last is kept: that the others were sent again says nothing new. */
  keep(check: HeardCheck, path: Path, paths: Paths): void {
    const known = this.#indexOf(check.base, check.source)
    if (known >= 0) {
      const { held } = this.#checks[known]!
      if (check.nomination >= this.#checks[known]!.nomination) this.#checks[known] = { ...check, held }
    } else if (this.#checks.length < this.#limit) {
      // What comes there next is of the same one. A stream keeps its path as long as it lives.
      const held = paths.transport(path) === "udp" ? path : NO_PATH
      if (held !== NO_PATH) paths.hold(held)
      this.#checks.push({ ...check, held })
    }
  }

  has(base: Base, source: Address): boolean {
    return this.#indexOf(base, source) >= 0
  }

  /** Gives all of them to `learn`, the oldest first, and keeps none. */
  take(learn: (check: HeardCheck) => void, paths: Paths): void {
    for (const check of this.#checks.splice(0)) {
      learn(check)
      if (check.held !== NO_PATH) paths.release(check.held)
    }
  }

  /** The base is no more. */
  forget(base: Base, paths: Paths): void {
    const gone = this.#checks.filter(check => check.base === base)
    this.#checks = this.#checks.filter(check => check.base !== base)
    for (const { held } of gone) if (held !== NO_PATH) paths.release(held)
  }

  #indexOf(base: Base, source: Address): number {
    return this.#checks.findIndex(known => known.base === base && equalAddress(known.source, source))
  }
}
