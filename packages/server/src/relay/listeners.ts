import { type Address, parseIp } from "@tightbeam/webrtc/bytes"
import type { Socket } from "@tightbeam/webrtc/contract"
import type { Driver, Listening } from "@tightbeam/webrtc/net"
import type { SecondAddress, TurnEvent } from "@tightbeam/webrtc/turn"

/** Where clients are to reach the relay over UDP. Ports may be 0: any will do. */
export interface ListenAt {
  readonly address: string
  readonly port: number
  /** What clients know the address as. */
  readonly announce: string
  /** For RFC 5780: all four pairs of these two addresses and two ports. */
  readonly second?: { readonly address: string; readonly port: number; readonly announce: string }
}

/** Where clients reach it. */
export interface Listeners {
  /** As asked for, with the ports that were had. */
  readonly at: ListenAt
  readonly second?: SecondAddress
  readonly sockets: readonly Socket[]
}

/** Opens the socket of `at.port`, or all four where there is a second address. Rejects with `ListenError`. */
export async function openListeners(driver: Driver<TurnEvent>, at: ListenAt): Promise<Listeners> {
  const { address, announce, second } = at
  const a1p1 = await driver.listen(at)
  const { port } = a1p1.local
  if (second === undefined) return { at: { ...at, port }, sockets: [a1p1.socket] }
  const a1p2 = await driver.listen({ address, port: second.port })
  const secondPort = a1p2.local.port
  const a2p1 = await driver.listen({ address: second.address, port })
  const a2p2 = await driver.listen({ address: second.address, port: secondPort })
  const as = ({ socket, local }: Listening, ip: string) => ({
    socket,
    address: { ip: parseIp(ip)!, port: local.port },
  })
  return {
    at: { ...at, port, second: { ...second, port: secondPort } },
    sockets: [a1p1, a1p2, a2p1, a2p2].map(({ socket }) => socket),
    second: {
      listeners: [
        as(a1p1, announce),
        as(a1p2, announce),
        as(a2p1, second.announce),
        as(a2p2, second.announce),
      ],
    },
  }
}

/** Each address by which these listeners can be reached, and those that are relayed from, with each of their ports. */
export function addressesOf(
  { address, announce, port, second }: ListenAt,
  { v4, v6 }: { readonly v4?: Uint8Array; readonly v6?: Uint8Array },
): readonly Address[] {
  const ports = second === undefined ? [port] : [port, second.port]
  const texts = [address, announce, ...(second === undefined ? [] : [second.address, second.announce])]
  // Behind a 1:1 NAT our own ports can also be reached by the announced addresses, from inside.
  const ips = [...texts.map(text => parseIp(text)!), ...[v4, v6].filter(ip => ip !== undefined)]
  return ips.flatMap(ip => ports.map(each => ({ ip, port: each })))
}
