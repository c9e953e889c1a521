import { type Driver, type Host, Internet, type InternetOptions } from "@tightbeam/sim"
import type { Address } from "@tightbeam/webrtc/bytes"
import { selfSignedCertificate } from "@tightbeam/webrtc/dtls"
import { type OwnSetup, Peer, type PeerEvent, type PeerOptions, type PeerState } from "@tightbeam/webrtc/peer"
import type { DtlsSetup } from "@tightbeam/webrtc/sdp"
import { quickCrypto } from "../../quick-crypto.ts"

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

export type EndOptions = Partial<Omit<PeerOptions, "ice" | "setup">>

/** Where the peers of a pair are, and what they gather with. */
export interface Setting {
  host(name: string): Host
  ice(name: string): Omit<PeerOptions["ice"], "role">
}

interface PairOptions {
  readonly network?: InternetOptions
  /** Default: both on the open internet. */
  readonly setting?: (internet: Internet) => Setting
  readonly both?: EndOptions
  readonly one?: EndOptions
  readonly other?: EndOptions
  /** What the answer says. Default "active". */
  readonly answers?: OwnSetup
  /** How long the answer takes, ms. Default 0. */
  readonly answerTakes?: number
  /** What is told instead of the answer's fingerprint, and of the offer's. */
  readonly forged?: readonly ("offer" | "answer")[]
}

/** Two peers on a simulated internet. `one` offers, `other` answers; what they tell each other takes no time. */
export class PeerPair {
  readonly internet: Internet
  readonly one: End
  readonly other: End
  readonly #options: PairOptions

  constructor(options: PairOptions = {}) {
    this.#options = options
    this.internet = new Internet(options.network ?? { seed: 1 })
    const { both, one, other, answers = "active" } = options
    const setting = options.setting?.(this.internet) ?? {
      host: name => this.internet.host(name),
      ice: () => ({}),
    }
    this.one = new End(setting, "one", { ...both, ...one }, "controlling", answers)
    this.other = new End(setting, "other", { ...both, ...other }, "controlled", answers)
  }

  /** `one` offers, and after a while hears the answer. */
  call(): this {
    const { one, other } = this
    const { answerTakes = 0 } = this.#options
    one.gather()
    this.describe(one, other)
    other.gather()
    one.host.schedule.after(answerTakes, () => {
      this.describe(other, one)
      other.tellCandidatesTo(one)
    })
    one.tellCandidatesTo(other)
    return this
  }

  describe(from: End, to: End): void {
    const kind = from === this.one ? "offer" : "answer"
    const { peer } = from
    const setup: DtlsSetup = kind === "offer" ? "actpass" : peer.setup
    const fingerprint = this.#options.forged?.includes(kind) === true ? to.peer.fingerprint : peer.fingerprint
    const remote = { ice: peer.ice, fingerprints: [fingerprint], setup }
    to.driver.command((now, out) => to.peer.setRemote(remote, now, out))
  }

  run(ms: number): this {
    this.internet.run(ms)
    return this
  }

  get isConnected(): boolean {
    return this.one.peer.state === "connected" && this.other.peer.state === "connected"
  }

  connect(ms = 5_000): this {
    this.call()
    this.internet.runUntil(() => this.isConnected, ms)
    return this
  }
}

/** A peer on a host, and what it was told. */
export class End {
  readonly host: Host
  readonly peer: Peer
  readonly driver: Driver<PeerEvent>
  readonly data: string[] = []
  readonly rtp: Uint8Array[] = []
  readonly rtcp: Uint8Array[] = []
  readonly states: PeerState[] = []
  readonly #candidates: string[] = []
  #teller: ((text: string) => void) | undefined

  constructor(
    setting: Setting,
    name: string,
    options: EndOptions,
    role: "controlling" | "controlled",
    setup: OwnSetup,
  ) {
    this.host = setting.host(name)
    const crypto = options.crypto ?? quickCrypto(this.host.simulation.random.fork(name))
    this.peer = new Peer({
      crypto,
      certificate: selfSignedCertificate(crypto),
      ice: { ...setting.ice(name), role },
      setup,
      onData: ({ bytes, offset, length }) =>
        void this.data.push(new TextDecoder().decode(bytes.subarray(offset, offset + length))),
      onRtp: ({ bytes, offset, length }) => void this.rtp.push(bytes.slice(offset, offset + length)),
      onRtcp: ({ bytes, offset, length }) => void this.rtcp.push(bytes.slice(offset, offset + length)),
      ...options,
    })
    this.driver = this.host.run(this.peer, { onEvent: event => this.#hear(event) })
  }

  gather(): void {
    this.driver.command((now, out) => this.peer.gather(this.host.ips, now, out))
  }

  /** Those that are known, and those to come. */
  tellCandidatesTo(other: End): void {
    this.#teller = text => other.driver.command((now, out) => other.peer.addRemoteCandidate(text, now, out))
    for (const text of this.#candidates) this.#teller(text)
  }

  get hasGathered(): boolean {
    return this.#candidates.length > 0
  }

  /** Where its first candidate is. */
  get address(): Address {
    const [, , , , ip, port] = this.#candidates[0]!.split(" ")
    return { ip: Uint8Array.from(ip!.split("."), Number), port: Number(port) }
  }

  /** False where there is nobody to send it to. */
  send(text: string): boolean {
    return this.driver.command((now, out) => {
      const bytes = utf8(text)
      const at = this.peer.reserve(bytes.length, now, out)
      if (at < 0) return false
      out.bytes.set(bytes, at)
      this.peer.commit(bytes.length, now, out)
      return true
    })
  }

  sendRtp(packet: Uint8Array): boolean {
    return this.driver.command((now, out) => {
      const at = this.peer.reserveRtp(packet.length, now, out)
      if (at < 0) return false
      out.bytes.set(packet, at)
      return this.peer.commitRtp(packet.length, out)
    })
  }

  sendRtcp(packet: Uint8Array): boolean {
    return this.driver.command((now, out) => {
      const at = this.peer.reserveRtcp(packet.length, now, out)
      if (at < 0) return false
      out.bytes.set(packet, at)
      return this.peer.commitRtcp(packet.length, out)
    })
  }

  close(): void {
    this.driver.command((now, out) => this.peer.close(now, out))
  }

  /** What DTLS noted of one kind. */
  noted(kind: "rejected" | "alert" | "flight" | "negotiated"): readonly unknown[] {
    return this.driver.evidence.filter(each => each.layer === "dtls" && each.kind === kind)
  }

  #hear(event: PeerEvent): void {
    if (event.type === "state") this.states.push(event.state)
    if (event.type !== "ice" || event.event.type !== "candidate") return
    this.#candidates.push(event.event.text)
    this.#teller?.(event.event.text)
  }
}
