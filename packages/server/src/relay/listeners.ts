import { parseIp } from "@tightbeam/webrtc/bytes"
import type { Driver, Listening } from "@tightbeam/webrtc/net"
import type { SecondAddress, TurnEvent } from "@tightbeam/webrtc/turn"
import type { Config } from "../config/index.ts"

/** Where clients reach the relay over UDP. */
export interface Listeners {
  readonly port: number
  /** Where there is a second address, that and its port. */
  readonly second?: SecondAddress
}

/** Opens the socket of `turn.port`, or all four where there is a second address. Rejects with `ListenError`. */
export async function openListeners(
  driver: Driver<TurnEvent>,
  turn: Config["turn"],
  announce: string,
): Promise<Listeners> {
  const a1p1 = await driver.listen(turn)
  const { port } = a1p1.local
  const { address } = turn.second
  if (address === undefined) return { port }
  const a1p2 = await driver.listen({ address: turn.address, port: turn.second.port })
  const a2p1 = await driver.listen({ address, port })
  const a2p2 = await driver.listen({ address, port: a1p2.local.port })
  const as = ({ socket, local }: Listening, ip: string) => ({
    socket,
    address: { ip: parseIp(ip)!, port: local.port },
  })
  const other = turn.second.announce ?? address
  return {
    port,
    second: { listeners: [as(a1p1, announce), as(a1p2, announce), as(a2p1, other), as(a2p2, other)] },
  }
}
