import { type Address, formatAddress } from "../bytes/index.ts"
import type { Path } from "../contract/index.ts"
import type { Hmac } from "../crypto/index.ts"
import { type StunMessage, StunWriter } from "../stun/index.ts"
import type { Base } from "./base.ts"
import { RESPONSE_LENGTH, writeCheckError, writeCheckSuccess } from "./connectivity-check.ts"
import type { IceOut } from "./events.ts"

/** A Binding message, and where it came from. All of it is good during the call only. */
export interface Arrival {
  readonly base: Base
  readonly source: Address
  readonly path: Path
  readonly message: StunMessage
}

/** Answers checks (RFC 8445 §7.3), and tells of each reason for a refusal once for each address. */
export class CheckResponder {
  readonly #writer = new StunWriter()
  readonly #rejected = new Set<string>()
  readonly #limit: number

  /** `limit`: how many refusals are told. */
  constructor(limit: number) {
    this.#limit = limit
  }

  accept({ base, source, path, message }: Arrival, key: Hmac, now: number, out: IceOut): void {
    const at = base.reserve(source, path, RESPONSE_LENGTH, now, out)
    if (at >= 0) base.commit(writeCheckSuccess(this.#writer, out.bytes, at, message, source, key), out)
  }

  /** Without a key for who has no credentials. */
  reject(arrival: Arrival, code: number, why: string, now: number, out: IceOut, key?: Hmac): void {
    const { base, source, path, message } = arrival
    const at = base.reserve(source, path, RESPONSE_LENGTH, now, out)
    if (at >= 0) base.commit(writeCheckError(this.#writer, out.bytes, at, message, code, key), out)
    const from = formatAddress(source)
    const known = `${from} ${code}`
    if (this.#rejected.has(known) || this.#rejected.size >= this.#limit) return
    this.#rejected.add(known)
    out.note({ layer: "ice", kind: "check-rejected", from, code, why })
  }
}
