import type { Evidence } from "../contract/index.ts"
import type { AlertDescription } from "./alert.ts"

export type Rejected = Extract<Evidence, { layer: "dtls"; kind: "rejected" }>["what"]

/** Why a handshake cannot go on: the alert for the other end, the words for ours. */
export class Failure {
  readonly alert: AlertDescription
  readonly what: Rejected
  readonly why: string

  constructor(alert: AlertDescription, what: Rejected, why: string) {
    this.alert = alert
    this.what = what
    this.why = why
  }
}

/** A message that is no such message. */
export function malformed(what: string): Failure {
  return new Failure("decode_error", "message", `${what}: malformed`)
}
