import * as net from "node:net"

/**
 * Whether connections can leave from a port that one of ours listens on (SO_REUSEPORT): the socket has to be bound before it
 * is connected, which Node can since 26.4.
 */
export const CAN_SHARE_PORTS: boolean = process.platform === "linux" && "BoundSocket" in net

/**
 * A port to listen on that others may share. Others of this user could then listen there too, such as another of us with
 * the same ports, so first it is taken for a moment as any socket takes it, which fails where somebody listens. Throws the
 * system's error.
 */
export function shareablePort(host: string, port: number): { port: number; reusePort?: true } {
  if (!CAN_SHARE_PORTS) return { port }
  const probe = new net.BoundSocket({ host, port, ipv6Only: net.isIPv6(host) })
  const free = probe.address().port
  probe.close()
  return { port: free, reusePort: true }
}
