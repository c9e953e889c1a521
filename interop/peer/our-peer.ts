import { nodeCrypto } from "../../packages/webrtc/src/crypto/node.ts"
import {
  type CertificateOptions,
  type DtlsOptions,
  selfSignedCertificate,
} from "../../packages/webrtc/src/dtls/index.ts"
import type { IceRole } from "../../packages/webrtc/src/ice/index.ts"
import { Driver, gatherableIps } from "../../packages/webrtc/src/net/index.ts"
import { type OwnSetup, Peer, type PeerEvent } from "../../packages/webrtc/src/peer/index.ts"
import { describePeer, readDescription } from "./description.ts"

/** The first chunk of an SCTP association, behind the common header (RFC 9260 §3). */
const SCTP_INIT = { type: 1, at: 12 }

/** Our peer on real sockets, on every address of this machine but loopback's, that speaks SDP. */
export class OurPeer {
  readonly peer: Peer
  readonly #driver: Driver<PeerEvent>
  readonly #candidates: string[] = []
  readonly #gathered = Promise.withResolvers<void>()
  readonly #connected = Promise.withResolvers<void>()
  readonly #greeted = Promise.withResolvers<void>()
  readonly #closed = Promise.withResolvers<void>()
  #mid = "0"
  #isClosed = false

  constructor(
    role: IceRole,
    setup: OwnSetup,
    dtls: Pick<DtlsOptions, "versions" | "groups">,
    certificate: CertificateOptions = {},
  ) {
    this.peer = new Peer({
      crypto: nodeCrypto,
      certificate: selfSignedCertificate(nodeCrypto, certificate),
      ice: { role },
      setup,
      dtls,
      onData: ({ bytes, offset, length }) => {
        if (length > SCTP_INIT.at && bytes[offset + SCTP_INIT.at] === SCTP_INIT.type) this.#greeted.resolve()
      },
    })
    this.#driver = new Driver(this.peer, { onEvent: event => this.#hear(event) })
    // Nobody may be waiting for them.
    for (const { promise } of [this.#connected, this.#greeted]) promise.catch(() => {})
  }

  /** Ours, with all its candidates: an offer before `accept`, an answer behind it. */
  async describe(): Promise<string> {
    const ips = gatherableIps()
    this.#driver.command((now, out) => this.peer.gather(ips, now, out))
    await this.#gathered.promise
    return describePeer(this.peer, this.#mid, this.#candidates)
  }

  accept(sdp: string): void {
    const { mid, remote, candidates } = readDescription(sdp)
    this.#mid = mid
    this.#driver.command((now, out) => {
      this.peer.setRemote(remote, now, out)
      for (const candidate of candidates) this.peer.addRemoteCandidate(candidate, now, out)
    })
  }

  get connected(): Promise<void> {
    return this.#connected.promise
  }

  /** Resolves once the other end wants to speak SCTP: what it says through DTLS arrives. */
  get greeted(): Promise<void> {
    return this.#greeted.promise
  }

  /** Resolves once either end said goodbye. */
  get closed(): Promise<void> {
    return this.#closed.promise
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#driver.command((now, out) => this.peer.close(now, out))
    await this.#driver.close()
  }

  #hear(event: PeerEvent): void {
    if (event.type === "ice" && event.event.type === "candidate") this.#candidates.push(event.event.text)
    if (event.type === "ice" && event.event.type === "end-of-candidates") this.#gathered.resolve()
    if (event.type === "dtls" && event.event.state === "failed")
      this.#connected.reject(new Error(`DTLS failed: ${event.event.why}`))
    if (event.type !== "state") return
    if (event.state === "connected") this.#connected.resolve()
    if (event.state === "failed") this.#connected.reject(new Error("our peer failed"))
    if (event.state === "closed") this.#closed.resolve()
  }
}
