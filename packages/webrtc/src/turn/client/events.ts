import type { Address } from "../../bytes/index.ts"

export type FailureReason =
  /** No answer (RFC 8489 §6.2.1, §6.2.2), or 408. */
  | "timeout"
  /** Answers came, and none of them was authenticated as it must be (RFC 8489 §9.2.5). */
  | "integrity-violated"
  /** Somebody took what protects the password out of a challenge (RFC 8489 §9.2.1). */
  | "bid-down"
  /** The server derives keys only in ways that we do not know (RFC 8489 §9.2.5). */
  | "no-password-algorithm"
  /** An answer with something that must be understood and is not, or without what it must have. */
  | "unreadable"
  /** 300, to where we have been within five minutes, or too often (RFC 8489 §10). */
  | "redirection-loop"
  /** The stream to the server ended. */
  | "connection-closed"
  /** The allocation ran out while the server did not answer. */
  | "expired"
  /** A limit of this client. */
  | "too-many"
  /** What follows is named as RFC 8656 §19 and RFC 8489 §14.8 name the codes. */
  | "bad-request"
  | "unauthenticated"
  | "forbidden"
  | "unknown-attribute"
  | "allocation-mismatch"
  | "stale-nonce"
  | "address-family-not-supported"
  | "wrong-credentials"
  | "unsupported-transport-address"
  | "peer-address-family-mismatch"
  | "allocation-quota-reached"
  | "server-error"
  | "insufficient-capacity"
  /** Any other code. */
  | "refused"

export interface Failure {
  readonly reason: FailureReason
  /** The server's, 300–699, where it answered. */
  readonly code?: number
  /** The server's words; whoever shows them escapes them. */
  readonly text?: string
  /** How long to leave this server alone, in ms, where RFC 8656 §7.4 says. */
  readonly retryAfter?: number
}

export type TurnClientEvent =
  /** There is an allocation, the first or a fresh one after `lost`. */
  | {
      readonly type: "allocated"
      /** One, or two of different families. */
      readonly relayed: readonly Address[]
      /** Where the server sees us. */
      readonly mapped: Address
      /** Seconds. */
      readonly lifetime: number
      readonly reservationToken?: Uint8Array
      /** Of a dual allocation, the half that was refused (RFC 8656 §7.3): 440 or 508. */
      readonly refusedFamily?: { readonly family: 4 | 6; readonly code: number }
    }
  /**
   * The server wants another one to be asked (RFC 8489 §10). The path is let go: open one to `server` over the same
   * transport, with TLS for `domain` or else the name that was asked for, and `allocate` on it.
   */
  | { readonly type: "try-alternate"; readonly server: Address; readonly domain?: string }
  /** There is no allocation. The path is let go; `allocate` may be given again. */
  | { readonly type: "failed"; readonly failure: Failure }
  /**
   * The allocation is no more, and its relayed addresses are not ours. Where `isRenewed` a fresh one is already asked
   * for, with all permissions and channels; else the path is let go.
   */
  | { readonly type: "lost"; readonly failure: Failure; readonly isRenewed: boolean }
  /** Permissions that were not there before. IP addresses. */
  | { readonly type: "permitted"; readonly peers: readonly Uint8Array[] }
  | { readonly type: "permission-refused"; readonly peer: Uint8Array; readonly failure: Failure }
  | { readonly type: "channel-bound"; readonly peer: Address; readonly channel: number }
  | { readonly type: "channel-refused"; readonly peer: Address; readonly failure: Failure }
  /** After `close`: the server freed the allocation, or never answered. The path is let go. */
  | { readonly type: "closed" }

const REASONS: ReadonlyMap<number, FailureReason> = new Map([
  [400, "bad-request"],
  [401, "unauthenticated"],
  [403, "forbidden"],
  [408, "timeout"],
  [420, "unknown-attribute"],
  [437, "allocation-mismatch"],
  [438, "stale-nonce"],
  [440, "address-family-not-supported"],
  [441, "wrong-credentials"],
  [442, "unsupported-transport-address"],
  [443, "peer-address-family-mismatch"],
  [486, "allocation-quota-reached"],
  [500, "server-error"],
  [508, "insufficient-capacity"],
])

/** RFC 8656 §7.4: "SHOULD wait at least 1 minute". In ms. */
const WAIT_FOR_CAPACITY = 60_000

export function failureOf(code: number, text: string): Failure {
  const reason = REASONS.get(code) ?? "refused"
  const isFull = code === 486 || code === 508
  return { reason, code, text, ...(isFull ? { retryAfter: WAIT_FOR_CAPACITY } : {}) }
}
