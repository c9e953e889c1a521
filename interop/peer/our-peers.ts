import { formatIp } from "../../packages/webrtc/src/bytes/index.ts"
import { nodeCrypto } from "../../packages/webrtc/src/crypto/node.ts"
import { selfSignedCertificate } from "../../packages/webrtc/src/dtls/index.ts"
import type { SharedPortEvent } from "../../packages/webrtc/src/ice/index.ts"
import { addressFrom, Driver, type Listening, primaryIpv4 } from "../../packages/webrtc/src/net/index.ts"
import { type Peer, type PeerEvent, SharedPeers } from "../../packages/webrtc/src/peer/index.ts"
import { describePeer, readDescription } from "./description.ts"

/** Our peers on one socket, that only answer: a server's. */
export class OurPeers {
  readonly #peers = new SharedPeers()
  readonly #driver: Driver<SharedPortEvent<PeerEvent, Peer>>
  readonly #certificate = selfSignedCertificate(nodeCrypto)
  readonly #listening: Promise<Listening>
  readonly #heard = new Set<Peer>()
  readonly #all = Promise.withResolvers<void>()
  #expected = Infinity

  constructor() {
    this.#driver = new Driver(this.#peers)
    this.#listening = this.#driver.listen({ address: "0.0.0.0", port: 0 })
  }

  /** The answer to an offer. */
  async answer(offer: string): Promise<string> {
    const { socket, local } = await this.#listening
    const { mid, remote } = readDescription(offer)
    const address = addressFrom(primaryIpv4()!, local.port)!
    const peer = this.#driver.command((now, out) => {
      const added: Peer = this.#peers.addPeer(
        {
          crypto: nodeCrypto,
          certificate: this.#certificate,
          ice: { role: "controlled", lite: true },
          setup: "passive",
          onData: () => this.#hear(added),
        },
        [{ socket, local: address }],
        now,
        out,
      )
      this.#peers.command(added, out => added.setRemote(remote, now, out), out)
      return added
    })
    const candidate = `candidate:1 1 udp 2130706431 ${formatIp(address.ip)} ${address.port} typ host`
    return describePeer(peer, mid, [candidate], true)
  }

  /** Resolves once `count` peers heard something through DTLS, each from its own other end. */
  heard(count: number): Promise<void> {
    this.#expected = count
    this.#settle()
    return this.#all.promise
  }

  async close(): Promise<void> {
    await this.#listening
    await this.#driver.close()
  }

  #hear(peer: Peer): void {
    this.#heard.add(peer)
    this.#settle()
  }

  #settle(): void {
    if (this.#heard.size >= this.#expected) this.#all.resolve()
  }
}
