import { networkInterfaces } from "node:os"
import { equalBytes, parseIp } from "../bytes/index.ts"

/** What the choice is made from: the shape of `os.networkInterfaces()`. */
export type Interfaces = ReturnType<typeof networkInterfaces>

/** Bridges and tunnels of containers and virtual machines: up, private, and of no use to a phone. */
const VIRTUAL =
  /^(docker|br-|veth|virbr|vmnet|vboxnet|cni|flannel|cali|lxc|lxd|podman|utun|tun|tap|wg|zt|tailscale)/
/** What the adapters of people's own networks are called on Linux, macOS and Windows. */
const PHYSICAL = /^(en|eth|wl|Ethernet|Wi-?Fi)/i

/**
 * The IPv4 address that others on this network most likely reach this machine by; `undefined` when it
 * has none but loopback. A guess where there are several: whoever knows better configures it.
 */
export function primaryIpv4(interfaces: Interfaces = networkInterfaces()): string | undefined {
  return likeliest(interfaces, "IPv4", address => (address.startsWith("169.254.") ? 0 : 1))
}

/** An IPv6 address of this machine that the whole Internet can reach, as far as the address itself says (2000::/3). */
export function globalIpv6(interfaces: Interfaces = networkInterfaces()): string | undefined {
  return likeliest(interfaces, "IPv6", address => (/^[23][0-9a-f]{3}:/.test(address) ? 1 : undefined))
}

/** The address on the likeliest adapter, the first of equals; `scoreOf` judges the address alone, or leaves it out. */
function likeliest(
  interfaces: Interfaces,
  wanted: "IPv4" | "IPv6",
  scoreOf: (address: string) => number | undefined,
): string | undefined {
  let best: { address: string; score: number } | undefined
  for (const [name, addresses] of Object.entries(interfaces)) {
    for (const { address, family, internal } of addresses ?? []) {
      const own = internal || family !== wanted ? undefined : scoreOf(address)
      if (own === undefined) continue
      const score = (VIRTUAL.test(name) ? 0 : 4) + (PHYSICAL.test(name) ? 2 : 0) + own
      if (best === undefined || score > best.score) best = { address, score }
    }
  }
  return best?.address
}

/** Every address of this machine, loopback too, without zones. */
export function ownAddresses(interfaces: Interfaces = networkInterfaces()): string[] {
  const all = new Set<string>()
  for (const addresses of Object.values(interfaces))
    for (const { address } of addresses ?? []) all.add(address.split("%")[0]!)
  return [...all]
}

/**
 * What an ICE agent gathers on (RFC 8445 §5.1.1.1): every address of this machine but those of loopback, and the
 * link-local IPv6 ones, which mean nothing without their zone.
 */
export function gatherableIps(interfaces: Interfaces = networkInterfaces()): Uint8Array[] {
  const ips: Uint8Array[] = []
  for (const addresses of Object.values(interfaces))
    for (const { address, internal } of addresses ?? []) {
      const ip = internal || /^fe[89ab]/i.test(address) ? undefined : parseIp(address)
      if (ip !== undefined) ips.push(ip)
    }
  return ips
}

export interface WatchOptions {
  /** Between two looks, in ms: no event of the platform says that an address came or went. Default 2,000. */
  readonly interval?: number
  /** Default: the machine's. */
  readonly read?: () => Interfaces
}

/** Tells `onChange` what `gatherableIps` are now, whenever they changed. Returns what ends it; a process may end without. */
export function watchGatherableIps(
  onChange: (ips: Uint8Array[]) => void,
  { interval = 2_000, read = networkInterfaces }: WatchOptions = {},
): () => void {
  let known = gatherableIps(read())
  const timer = setInterval(() => {
    const ips = gatherableIps(read())
    const isSame =
      ips.length === known.length && ips.every(ip => known.some(before => equalBytes(ip, before)))
    if (isSame) return
    known = ips
    onChange(ips)
  }, interval)
  timer.unref()
  return () => clearInterval(timer)
}
