import { spawnSync } from "node:child_process"

/** What a NAT made of the kernel's connection tracking does (RFC 4787 §4.1, §5). */
export type NatKind = "full cone" | "port restricted" | "symmetric" | "UDP blocked"

/** Of the servers. */
export const PUBLIC_ADDRESS = "203.0.113.1"

const ENDS = ["A", "B"] as const
type End = (typeof ENDS)[number]

/**
 * Two hosts behind two NATs, and a public network with servers between them: five network namespaces, with the kernel's
 * own NAT. Names begin with what tells this process from others; `close` removes them all.
 */
export class NatNamespaces {
  readonly #prefix = `tb${process.pid}`

  /** Throws where namespaces or nftables cannot be had. */
  constructor(kinds: readonly [NatKind, NatKind]) {
    try {
      this.#build(kinds)
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** A command that runs in a host's namespace, or in the public one. */
  within(where: End | "public", command: readonly string[]): readonly string[] {
    return [
      "ip",
      "netns",
      "exec",
      where === "public" ? this.#name("pub") : this.#name(`h${where}`),
      ...command,
    ]
  }

  close(): void {
    for (const name of ["pub", "nA", "nB", "hA", "hB"]) spawnSync("ip", ["netns", "del", this.#name(name)])
  }

  #name(of: string): string {
    return `${this.#prefix}${of}`
  }

  #build(kinds: readonly [NatKind, NatKind]): void {
    for (const namespace of ["pub", "nA", "nB", "hA", "hB"]) {
      run("ip", "netns", "add", this.#name(namespace))
      this.#ip(namespace, "link set lo up")
    }
    this.#ip("pub", "link add br0 type bridge")
    this.#ip("pub", `addr add ${PUBLIC_ADDRESS}/24 dev br0`)
    this.#ip("pub", "link set br0 up")
    // Somewhere for what has no route: else a relay's socket hears that the network is unreachable.
    this.#ip("pub", "neigh add 203.0.113.254 lladdr 02:00:00:00:00:fe dev br0")
    this.#ip("pub", "route add default via 203.0.113.254")
    for (const [i, end] of ENDS.entries()) this.#join(end, i + 1, kinds[i]!)
  }

  #join(end: End, number: number, kind: NatKind): void {
    const nat = `n${end}`
    const host = `h${end}`
    const home = `10.${number}.0`
    run(
      "ip",
      "link",
      "add",
      "out",
      "netns",
      this.#name(nat),
      "type",
      "veth",
      "peer",
      "name",
      `p${end}`,
      "netns",
      this.#name("pub"),
    )
    this.#ip("pub", `link set p${end} master br0 up`)
    this.#ip(nat, `addr add 203.0.113.${number}0/24 dev out`)
    this.#ip(nat, "link set out up")
    run(
      "ip",
      "link",
      "add",
      "in",
      "netns",
      this.#name(nat),
      "type",
      "veth",
      "peer",
      "name",
      "eth0",
      "netns",
      this.#name(host),
    )
    this.#ip(nat, `addr add ${home}.1/24 dev in`)
    this.#ip(nat, "link set in up")
    this.#ip(host, `addr add ${home}.2/24 dev eth0`)
    this.#ip(host, "link set eth0 up")
    this.#ip(host, `route add default via ${home}.1`)
    run("ip", "netns", "exec", this.#name(nat), "sysctl", "-qw", "net.ipv4.ip_forward=1")
    run("ip", "netns", "exec", this.#name(nat), "nft", rulesOf(kind, `${home}.2`))
  }

  #ip(namespace: string, command: string): void {
    run("ip", "-n", this.#name(namespace), ...command.split(" "))
  }
}

function rulesOf(kind: NatKind, host: string): string {
  const inward = kind === "full cone" ? `iifname "out" meta l4proto udp dnat to ${host};` : ""
  const outward =
    kind === "symmetric" ? 'oifname "out" meta l4proto udp masquerade to :20000-60000 fully-random;' : ""
  const blocked = kind === "UDP blocked" ? "meta l4proto udp drop;" : ""
  return `
    table ip nat {
      chain before { type nat hook prerouting priority -100; ${inward} }
      chain after { type nat hook postrouting priority 100; ${outward} oifname "out" masquerade; }
      # What nobody asked for is dropped before it makes a connection that would take the port of a mapping.
      chain own { type filter hook input priority 0; policy accept; iifname "out" meta l4proto udp drop; }
      chain through {
        type filter hook forward priority 0; policy drop;
        ${blocked}
        ct state established,related accept;
        iifname "in" accept;
        ct status dnat accept;
      }
    }`
}

function run(program: string, ...args: readonly string[]): void {
  const { error, status, stderr } = spawnSync(program, args)
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr.toString().trim()}`)
}
