import { type Address, equalBytes, formatIp } from "../bytes/index.ts"
import type { PeerProtocol } from "./allocation.ts"
import { type Cidr, parseCidr } from "./cidr.ts"
import { IPV4_CARRIERS, SPECIAL_PURPOSE_IPV4, SPECIAL_PURPOSE_IPV6 } from "./special-purpose.ts"

export interface PeerPolicyOptions {
  /** Addresses and CIDR ranges that may be peers although they are special-purpose. Default: none. */
  readonly allow?: readonly string[]
  /** Addresses and CIDR ranges that may not be peers, whatever else is said. Default: none. */
  readonly denyAddresses?: readonly string[]
  /**
   * Where this process itself listens: never a peer, whatever else is said. An unspecified address
   * (`0.0.0.0`, `::`) stands for each of `ownAddresses`.
   */
  readonly listeners?: readonly Address[]
  /** Addresses of this host, which an unspecified listener is reached by; over TCP they are no peers. Default: none. */
  readonly ownAddresses?: readonly Uint8Array[]
}

/** Finds out whether something is a relayed address of this server, in use now. */
export type IsRelayed = (ip: Uint8Array, port: number, protocol: PeerProtocol) => boolean

/**
 * - `relayed`: a live relayed address of this server.
 * - `allowed`: an ordinary address, or one that the operator allows.
 * - `denied`: anything else.
 */
export type PeerVerdict = "relayed" | "allowed" | "denied"

/**
 * Who may be a peer (RFC 8656 §10.2, §11.2, §12.2 leave it to the server). Decided on canonical bytes,
 * where one address has one form; the text of an address is never looked at.
 */
export class PeerPolicy {
  readonly #allow: readonly Cidr[]
  readonly #deny: readonly Cidr[]
  readonly #listeners: readonly Address[]
  readonly #own: readonly Uint8Array[]
  readonly #isRelayed: IsRelayed
  readonly #carried = new Uint8Array(4)

  constructor(options: PeerPolicyOptions, isRelayed: IsRelayed) {
    this.#allow = (options.allow ?? []).map(text => parsePeerRange(text, "allow"))
    this.#deny = (options.denyAddresses ?? []).map(text => parsePeerRange(text, "denyAddresses"))
    this.#listeners = spelledOut(options.listeners ?? [], options.ownAddresses ?? [])
    this.#own = (options.ownAddresses ?? []).map(canonicalIp)
    this.#isRelayed = isRelayed
  }

  /**
   * The one place that decides about peers: CreatePermission, ChannelBind, Send, Connect and what arrives from
   * peers all ask here. `ip` has 4 or 16 bytes.
   */
  authorizePeer(ip: Uint8Array, port: number, protocol: PeerProtocol = "udp"): PeerVerdict {
    if (this.#isRelayed(ip, port, protocol)) return "relayed"
    const canonical = this.#canonical(ip)
    for (const listener of this.#listeners) {
      if (listener.port === port && equalBytes(listener.ip, canonical)) return "denied"
    }
    if (isIn(this.#deny, canonical)) return "denied"
    if (isIn(this.#allow, canonical)) return "allowed"
    // From here no firewall keeps anybody off the other services of this host, as it may from outside.
    if (protocol === "tcp" && this.#isOwn(canonical)) return "denied"
    const special = canonical.length === 4 ? SPECIAL_PURPOSE_IPV4 : SPECIAL_PURPOSE_IPV6
    return isIn(special, canonical) ? "denied" : "allowed"
  }

  #isOwn(canonical: Uint8Array): boolean {
    for (const own of this.#own) if (equalBytes(own, canonical)) return true
    return false
  }

  /** As `canonicalIp`, in place: it is asked for per packet. */
  #canonical(ip: Uint8Array): Uint8Array {
    const at = carriesIpv4At(ip)
    if (at < 0) return ip
    for (let i = 0; i < 4; i++) this.#carried[i] = ip[at + i]!
    return this.#carried
  }
}

/** The IPv4 address that an IPv6 address carries (mapped, compatible, NAT64, 6to4), else the address itself. */
export function canonicalIp(ip: Uint8Array): Uint8Array {
  const at = carriesIpv4At(ip)
  return at < 0 ? ip : ip.slice(at, at + 4)
}

function carriesIpv4At(ip: Uint8Array): number {
  if (ip.length === 4) return -1
  for (const { range, at } of IPV4_CARRIERS) if (range.contains(ip)) return at
  return -1
}

function isIn(ranges: readonly Cidr[], ip: Uint8Array): boolean {
  for (const range of ranges) if (range.contains(ip)) return true
  return false
}

/** An address or CIDR range for `allow` or `denyAddresses`. Throws a TypeError that names `option` and what is wrong. */
export function parsePeerRange(text: string, option: string): Cidr {
  const cidr = parseCidr(text, option)
  // It would never match, since what it names is judged by the IPv4 address that it carries.
  const carrier = IPV4_CARRIERS.find(({ range }) => cidr.bits >= range.bits && range.contains(cidr.ip))
  if (carrier !== undefined) {
    throw new TypeError(
      `${option}: ${JSON.stringify(text)} carries IPv4 addresses (${formatIp(carrier.range.ip)}/${carrier.range.bits}): name the IPv4 range`,
    )
  }
  return cidr
}

function spelledOut(listeners: readonly Address[], own: readonly Uint8Array[]): readonly Address[] {
  return listeners.flatMap(listener => {
    if (listener.ip.some(byte => byte !== 0)) return [{ ip: canonicalIp(listener.ip), port: listener.port }]
    return own.map(ip => ({ ip: canonicalIp(ip), port: listener.port }))
  })
}
