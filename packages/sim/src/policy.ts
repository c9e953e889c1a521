import type { Endpoints, Ip } from "./endpoints.ts"
import { ipOf, portOf } from "./endpoints.ts"
import type { Packet } from "./packet.ts"

/** What a network lets its hosts send; everything, where nothing is said. Answers always pass with what they answer. */
export interface Policy {
  /** Default true. */
  readonly udp?: boolean
  /** The ports that TCP may go to. Default: all. */
  readonly tcpPorts?: readonly number[]
  /** The addresses that anything may go to. Default: all. */
  readonly hosts?: readonly string[]
}

export const UDP_BLOCKED: Policy = { udp: false }

export const TLS_ONLY: Policy = { udp: false, tcpPorts: [443] }

/** Nothing gets out but to a proxy. */
export function proxyOnly(proxy: string): Policy {
  return { udp: false, hosts: [proxy] }
}

export class Gate {
  readonly #policy: Policy
  readonly #hosts: ReadonlySet<Ip> | undefined

  constructor(policy: Policy, endpoints: Endpoints) {
    this.#policy = policy
    this.#hosts = policy.hosts && new Set(policy.hosts.map(text => endpoints.parse(text)))
  }

  allows({ protocol, to }: Packet): boolean {
    const { udp = true, tcpPorts } = this.#policy
    if (protocol === "udp" ? !udp : tcpPorts !== undefined && !tcpPorts.includes(portOf(to))) return false
    return this.#hosts === undefined || this.#hosts.has(ipOf(to))
  }
}
