import type { Crypto } from "../crypto/index.ts"
import type { Common } from "./common.ts"
import { DEFAULT_NONCE_LIFETIME } from "./nonce.ts"
import type { PeerPolicyOptions } from "./peer-policy.ts"
import { RelayAddresses } from "./relay-addresses.ts"
import type { SecondAddress } from "./second-address.ts"

export interface TurnServerOptions {
  readonly crypto: Crypto
  /** To be added to `now` to get UNIX time, in ms: credentials expire by the calendar. */
  readonly epoch: number
  /** At most 127 bytes of UTF-8, no quotes or controls; short is good, it is sent to everybody. Default `DEFAULT_REALM`. */
  readonly realm?: string
  /** Secrets of time-limited credentials. Several while one is replaced by the next; at least one. */
  readonly secrets: readonly Uint8Array[]
  /** What clients are told they are relayed from. A family without an address is not offered (440). */
  readonly relayedAddress: { readonly v4?: Uint8Array; readonly v6?: Uint8Array }
  /** UDP ports to relay from, both included. Default `DEFAULT_RELAY_PORTS`. */
  readonly relayPorts?: PortRange
  readonly limits?: Partial<TurnLimits>
  /**
   * Which numbers channels may have: "rfc8656" 0x4000–0x4FFF, "rfc5766" 0x4000–0x7FFF for clients from
   * before 2020. Default "rfc8656".
   */
  readonly channelNumbers?: "rfc8656" | "rfc5766"
  /** Whether clients may take an allocation to another address of theirs (RFC 8016). Default: no. */
  readonly mobility?: boolean
  /** Whether clients that come over TCP or TLS may ask for TCP connections to peers (RFC 6062). Default: no. */
  readonly tcpPeers?: boolean
  /** Lets clients find out how their NAT behaves (RFC 5780). Default: none, and CHANGE-REQUEST is refused (420). */
  readonly secondAddress?: SecondAddress
  /** Who may be a peer. The default is safe: no special-purpose address. */
  readonly peers?: PeerPolicyOptions
  /** Where other servers of this process serve the same clients. */
  readonly siblings?: Siblings
}

/** What the servers of one process know of each other. */
export interface Siblings {
  /** The same for all, of `Common.prepare`. */
  readonly memory: SharedArrayBuffer
  /** Where their relay sockets reach each other's: on the loopback, or at the address that they are bound to. */
  readonly reach: { readonly v4?: Uint8Array; readonly v6?: Uint8Array }
}

export interface PortRange {
  readonly min: number
  readonly max: number
}

export interface TurnLimits {
  /** Allocations at one time (508). */
  readonly allocations: number
  /** Allocations of one user, whatever the expiry in the username (486). */
  readonly allocationsPerUser: number
  /** Allocations of one room, whose name is in front of the colon in `room:participant` (486). */
  readonly allocationsPerRoom: number
  /** Users remembered as revoked, until their credentials have expired; beyond it the first is forgotten. */
  readonly revokedUsers: number
  /** Permissions of one allocation (508). */
  readonly permissions: number
  /** Channels of one allocation, with those that cool down (508). */
  readonly channels: number
  /** TCP connections to peers of one allocation, with those that are being made (508). */
  readonly connections: number
  /**
   * The same of one user (508), who otherwise could take all that the driver has for everybody: connections that are under
   * way at one time, and the process's open files.
   */
  readonly connectionsPerUser: number
  /**
   * Application data of one allocation, both ways, in bytes per second, with a second's worth at once; what is more is
   * dropped, and on TCP connections to peers not read yet. Infinity: unlimited.
   */
  readonly allocationBytesPerSecond: number
  /** The same, of all allocations together. */
  readonly relayedBytesPerSecond: number
  /** Lifetime of an allocation that asks for nothing longer, in seconds (RFC 8656 §7.2). */
  readonly defaultLifetime: number
  /** The longest lifetime that can be asked for, in seconds (RFC 8656 §7.2). */
  readonly maxLifetime: number
  /** How long a nonce is good, in ms (RFC 8656 §5: at most an hour). */
  readonly nonceLifetime: number
  /** How many ports are tried before an Allocate fails because they are in use by others (508). */
  readonly bindTries: number
  /** Peer addresses of one allocation that `unpermitted-peer` is told of. */
  readonly unpermittedPeersNoted: number
  /**
   * Bytes per second that an IPv4 address or IPv6 /64 is sent over UDP without having authenticated itself: challenges
   * and answers to Binding requests. Past it they get silence. A whole office may be one address.
   */
  readonly strangersBytesPerSecond: number
  /** The same, at once. */
  readonly strangersBurst: number
  /** Addresses and /64s that this is remembered of; beyond it the one unseen for longest is forgotten. */
  readonly strangersRemembered: number
  /** `refused` evidence per second, over all clients. */
  readonly refusalsNotedPerSecond: number
  /** Evidence of TCP connections to peers per second, over all clients. */
  readonly connectionsNotedPerSecond: number
}

export const DEFAULT_REALM = "beam"

/** The dynamic ports (RFC 8656 §7.2). */
export const DEFAULT_RELAY_PORTS: PortRange = { min: 49_152, max: 65_535 }

export const DEFAULT_LIMITS: TurnLimits = {
  allocations: 10_000,
  // A browser allocates per network interface, RTCPeerConnection and URL, and twice while ICE restarts.
  allocationsPerUser: 150,
  // 16 participants, each with a connection to each other one, as above.
  allocationsPerRoom: 2_500,
  revokedUsers: 100_000,
  permissions: 128,
  channels: 128,
  connections: 32,
  connectionsPerUser: 128,
  allocationBytesPerSecond: Infinity,
  relayedBytesPerSecond: Infinity,
  defaultLifetime: 600,
  maxLifetime: 3600,
  nonceLifetime: DEFAULT_NONCE_LIFETIME,
  bindTries: 8,
  // About 200 clients a second behind one address, and 3,000 who come at once.
  strangersBytesPerSecond: 16_384,
  strangersBurst: 262_144,
  strangersRemembered: 16_384,
  unpermittedPeersNoted: 16,
  refusalsNotedPerSecond: 20,
  connectionsNotedPerSecond: 20,
}

/** Fewer than 128 characters (RFC 8489 §14.9), as bytes so that the 401 stays small. */
const MAX_REALM_LENGTH = 127

/** The realm as it goes over the wire. Throws a TypeError for what RFC 8489 §14.9 does not allow. */
export function realmBytes(realm: string): Uint8Array {
  const bytes = new TextEncoder().encode(realm)
  if (bytes.length === 0 || bytes.length > MAX_REALM_LENGTH || /["\\\p{Cc}]/u.test(realm)) {
    throw new TypeError(
      `realm: ${JSON.stringify(realm)} is not 1 to ${MAX_REALM_LENGTH} bytes without quotes`,
    )
  }
  return bytes
}

/** Limits that may be left open. */
const MAY_BE_INFINITE: ReadonlySet<string> = new Set<keyof TurnLimits>([
  "allocationBytesPerSecond",
  "relayedBytesPerSecond",
])

/** Completes limits with the defaults. Throws a RangeError that names the one that makes no sense. */
export function withDefaultLimits(limits: Partial<TurnLimits> = {}): TurnLimits {
  const complete = { ...DEFAULT_LIMITS, ...limits }
  for (const [name, value] of Object.entries(complete)) {
    if (value === Infinity && MAY_BE_INFINITE.has(name)) continue
    if (!Number.isSafeInteger(value) || value < 1)
      throw new RangeError(`limits.${name}: ${value} is no positive integer`)
  }
  if (complete.maxLifetime < complete.defaultLifetime) {
    throw new RangeError(`limits.maxLifetime: ${complete.maxLifetime} is less than limits.defaultLifetime`)
  }
  return complete
}

/** Throws a TypeError or RangeError that names the relayed address or port range that is none. */
export function relayAddresses(options: TurnServerOptions, common: Common): readonly RelayAddresses[] {
  const { v4, v6 } = options.relayedAddress
  const { min, max } = options.relayPorts ?? DEFAULT_RELAY_PORTS
  if (v4 !== undefined && v4.length !== 4) throw new TypeError("relayedAddress.v4: 4 bytes are needed")
  if (v6 !== undefined && v6.length !== 16) throw new TypeError("relayedAddress.v6: 16 bytes are needed")
  const relays = [v4, v6]
    .filter(ip => ip !== undefined)
    .map(ip => new RelayAddresses(ip, min, max, common.ports(ip.length === 4 ? 4 : 6)))
  if (relays.length === 0) throw new TypeError("relayedAddress: at least one of v4 and v6 is needed")
  return relays
}
