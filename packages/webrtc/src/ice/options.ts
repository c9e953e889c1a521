import type { Address } from "../bytes/index.ts"
import type { Datagram } from "../contract/index.ts"
import type { Crypto } from "../crypto/index.ts"
import type { IceOut } from "./events.ts"
import type { RtoOptions } from "./round-trip.ts"

/** RFC 8445 §6.1.1. */
export type IceRole = "controlling" | "controlled"

export type IceServer =
  | { readonly type: "stun"; readonly server: Address }
  | {
      readonly type: "turn"
      readonly server: Address
      readonly transport: "udp" | "tcp" | "tls"
      /** What its certificate must be for, where `transport` is "tls". */
      readonly serverName?: string
      readonly username: string
      readonly password: string
    }

export interface IceAgentOptions {
  readonly crypto: Crypto
  /** Who nominates. A conflict is repaired (RFC 8445 §7.3.1.1). */
  readonly role: IceRole
  /** Who tells us our reflexive addresses, and who relays. At most `limits.servers`. */
  readonly servers?: readonly IceServer[]
  /** "relay": nothing is told or tried but relayed candidates (RFC 8828 §5.2, mode 4). Default "all". */
  readonly policy?: "all" | "relay"
  /** ICE-TCP host candidates (RFC 6544). Default false. */
  readonly tcp?: boolean
  /** RFC 8445 §2.5: it only answers, on its host candidates, and is controlled. For servers with public addresses. Default false. */
  readonly lite?: boolean
  /** Takes what the other end sent, in place: `d` is valid during the call only. */
  readonly onData: (d: Datagram, now: number, out: IceOut) => void
  /** Of checks. */
  readonly rto?: RtoOptions
  readonly limits?: Partial<IceLimits>
}

export interface IceLimits {
  /** Candidates that the other agent told. */
  readonly remoteCandidates: number
  /** Peer-reflexive candidates, learnt from its checks. */
  readonly learntCandidates: number
  /** In the check list (RFC 8445 §6.1.2.5); the worst is left out. */
  readonly pairs: number
  /** Checks that came before the other agent's description and are kept for it. */
  readonly earlyChecks: number
  /** TCP connections that were made to one address of ours; the oldest that proved nothing makes room. */
  readonly streams: number
  readonly servers: number
  /** Local addresses that are gathered on. */
  readonly addresses: number
  /** The Patience timer of RFC 8863, in ms: however hopeless, nothing has failed before. */
  readonly patience: number
  /** After so long without a pair that works, "still-trying" is told, in ms. */
  readonly stillTrying: number
  /** Requests of checks that are sent in one generation before any of them is answered. */
  readonly checks: number
  /** Ta (RFC 8445 §14.2), in ms: between two new transactions. */
  readonly pacing: number
  /** How long the other end need not confirm that it still wants to be sent to (RFC 7675 §5.1), in ms. */
  readonly consent: number
}

export const DEFAULT_LIMITS: IceLimits = {
  remoteCandidates: 100,
  learntCandidates: 16,
  pairs: 100,
  earlyChecks: 32,
  streams: 32,
  servers: 16,
  addresses: 16,
  patience: 39_500,
  stillTrying: 5_000,
  checks: 5_000,
  pacing: 5,
  consent: 30_000,
}

/** Completes limits with the defaults. Throws a RangeError that names the one that makes no sense. */
export function withDefaultLimits(limits: Partial<IceLimits> = {}): IceLimits {
  const complete = { ...DEFAULT_LIMITS, ...limits }
  for (const [name, value] of Object.entries(complete)) {
    if (!Number.isSafeInteger(value) || value < 1)
      throw new RangeError(`limits.${name}: ${value} is no positive integer`)
  }
  return complete
}

/** Throws for what makes no sense, and names it. */
export function checkOptions({
  servers = [],
  lite = false,
  role,
  policy,
  limits,
  rto = {},
}: IceAgentOptions): void {
  const { servers: most } = withDefaultLimits(limits)
  if (servers.length > most)
    throw new RangeError(`servers: ${servers.length}, more than limits.servers (${most})`)
  // Of nothing a check would be sent for ever.
  for (const [name, ms] of Object.entries(rto))
    if (!(ms > 0 && ms < Infinity)) throw new RangeError(`rto.${name}: ${ms} is no number of ms above 0`)
  if (lite && role === "controlling")
    throw new TypeError("lite: whoever only answers cannot be controlling (RFC 8445 §6.1.1)")
  if (lite && policy === "relay")
    throw new TypeError(
      "lite: there are host candidates only (RFC 8445 §5.2), and policy allows only relayed ones",
    )
}
