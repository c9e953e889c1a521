import type { Dependence } from "@tightbeam/sim"
import type { Place } from "../place.ts"

/** An address and a port without numbers: what matters is only which are the same. */
export interface Endpoint {
  readonly family: 4 | 6
  readonly ip: string
  readonly port: string
  /** The network that has the address in it; `undefined` for the Internet. */
  readonly at: Place | undefined
  /** Whose external address it is. */
  readonly nat?: Place
}

export function keyOf({ ip, port }: Endpoint): string {
  return `${ip}:${port}`
}

/** What of a remote endpoint makes a difference (RFC 4787 §4.1, §5). */
export function distinguished(dependence: Dependence, remote: Endpoint): string {
  if (dependence === "endpoint-independent") return "any"
  return dependence === "address-dependent" ? remote.ip : keyOf(remote)
}
