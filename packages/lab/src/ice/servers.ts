import type { Driver, Host, Internet, Random } from "@tightbeam/sim"
import { parseIp } from "@tightbeam/webrtc/bytes"
import type { Crypto } from "@tightbeam/webrtc/crypto"
import type { IceServer } from "@tightbeam/webrtc/ice"
import { type TurnEvent, TurnServer, timeLimitedCredentials, turnFraming } from "@tightbeam/webrtc/turn"

const ADDRESSES = { 4: "5.5.5.5", 6: "2a00::5" } as const
const FAMILIES = [4, 6] as const
/** RFC 8656 §3.1, and the port that is let out where nothing else is. */
const PORTS = { udp: 3478, tcp: 3478, tls: 443 } as const
/** 2026-11-01T00:00:00Z: what 0 on the virtual clock is. */
const EPOCH = 1_793_491_200_000
const SECRET = new TextEncoder().encode("a secret of the lab")

/** Our STUN and TURN server on a host of its own: IPv4 and IPv6, UDP, TCP and TLS (whose records nobody reads here). */
export class IceServers {
  readonly host: Host
  readonly driver: Driver<TurnEvent>
  readonly #crypto: Crypto

  constructor(internet: Internet, crypto: (random: Random) => Crypto) {
    this.#crypto = crypto(internet.random.fork("server"))
    this.host = internet.host("server", { addresses: Object.values(ADDRESSES) })
    const server = new TurnServer({
      crypto: this.#crypto,
      epoch: EPOCH,
      secrets: [SECRET],
      relayedAddress: { v4: parseIp(ADDRESSES[4])!, v6: parseIp(ADDRESSES[6])! },
    })
    this.driver = this.host.run(server)
    for (const family of FAMILIES) this.driver.listen(PORTS.udp, family)
    for (const transport of ["tcp", "tls"] as const)
      this.host.listenTcp(PORTS[transport], connection =>
        this.driver.accept(connection, transport, turnFraming),
      )
  }

  /** As a participant is told them, whatever its network can reach. */
  for(name: string, options: { readonly turn: readonly ("udp" | "tcp" | "tls")[] }): IceServer[] {
    const credentials = timeLimitedCredentials({
      crypto: this.#crypto,
      secret: SECRET,
      room: "lab",
      participant: name,
      expiry: EPOCH / 1000 + 86_400,
    })
    return FAMILIES.flatMap((family): IceServer[] => {
      const at = (port: number) => ({ ip: parseIp(ADDRESSES[family])!, port })
      return [
        { type: "stun", server: at(PORTS.udp) },
        ...options.turn.map(
          transport => ({ type: "turn", server: at(PORTS[transport]), transport, ...credentials }) as const,
        ),
      ]
    })
  }
}
