import { type Address, equalAddress, formatIp } from "../bytes/index.ts"
import { type Datagram, InnerOut, NO_PATH, type Path } from "../contract/index.ts"
import type { TransactionOptions } from "../stun/index.ts"
import { TurnClient, type TurnClientEvent, type TurnClientOptions } from "../turn/index.ts"
import type { Base } from "./base.ts"
import type { Candidate } from "./candidate.ts"
import type { IceOut } from "./events.ts"
import type { IceServer } from "./options.ts"

/** Takes what a peer sent to the relayed address; as `OnData`. */
export type OnRelayedData = (base: RelayedBase, d: Datagram, peer: Address, now: number, out: IceOut) => void

export type TurnServer = Extract<IceServer, { type: "turn" }>

/** One allocation of ours: a base at a TURN server, which lets through whom we gave permission (RFC 8445 §5.1.1.2). */
export class RelayedBase implements Base {
  readonly server: TurnServer
  /** To the server; `NO_PATH` while there is none. */
  path: Path = NO_PATH
  readonly rank: number
  /** What it is reached from: this base is no more when that is no more. */
  readonly from: Base
  /**
   * Another allocation is asked for on the same path. If the server makes one, what this one asks for from now on would
   * become part of it, and nobody would know.
   */
  isContested = false
  /** Between the relay and the other end all is UDP. */
  readonly isReliable = false
  #candidate: Candidate | undefined
  readonly #turn: TurnClient
  readonly #out = new InnerOut<TurnClientEvent>()
  readonly #wanted = new Set<string>()
  readonly #permitted = new Set<string>()
  #channelTo: Address | undefined
  /** The `out` of the call that data arrives in. */
  #receiving: IceOut | undefined

  constructor(
    server: TurnServer,
    from: Base,
    options: TransactionOptions & Pick<TurnClientOptions, "crypto" | "mismatch">,
    onData: OnRelayedData,
  ) {
    this.server = server
    this.from = from
    this.rank = from.rank
    const { username, password } = server
    this.#turn = new TurnClient({
      ...options,
      username,
      password,
      onData: (d, peer, now) => {
        // What is under way while an allocation ends is late.
        if (this.isAllocated) onData(this, d, peer, now, this.#receiving!)
      },
    })
  }

  /** Its own, once there is an allocation. */
  get candidate(): Candidate {
    if (this.#candidate === undefined) throw new Error("candidate: nothing is allocated yet")
    return this.#candidate
  }

  set candidate(candidate: Candidate) {
    this.#candidate = candidate
  }

  get isAllocated(): boolean {
    return this.#candidate !== undefined
  }

  allocate(path: Path, now: number, out: IceOut): void {
    this.path = path
    // A stream is ours for as long as its path is held.
    if (this.#isStream) out.paths.hold(path)
    this.#turn.allocate(path, now, this.#out.through(out))
  }

  /** Leaves the server: a stream to it is closed. */
  hangUp(out: IceOut): void {
    if (this.path === NO_PATH) return
    if (this.#isStream) {
      const socket = out.paths.socket(this.path)
      out.paths.release(this.path)
      out.ask({ type: "close", socket })
    }
    this.path = NO_PATH
  }

  get #isStream(): boolean {
    return this.server.transport !== "udp"
  }

  /** What it told since this was last asked. */
  takeEvents(): readonly TurnClientEvent[] {
    if (this.#out.events.length === 0) return NOTHING
    const events = this.#out.events.splice(0)
    for (const event of events) this.#see(event)
    return events
  }

  #see(event: TurnClientEvent): void {
    if (event.type === "permitted") for (const ip of event.peers) this.#permitted.add(formatIp(ip))
  }

  /** There is no allocation, or another one. */
  forget(): void {
    this.#candidate = undefined
    this.#wanted.clear()
    this.#permitted.clear()
    this.#channelTo = undefined
  }

  /** Asks for a permission, once: what the server refuses it refuses again. */
  permit(ip: Uint8Array, now: number, out: IceOut): void {
    if (ip.length !== this.candidate.address.ip.length) return
    const text = formatIp(ip)
    if (this.#wanted.has(text)) return
    this.#wanted.add(text)
    this.#turn.permit([ip], now, this.#out.through(out))
  }

  /** A channel costs the relay less (RFC 8656 §12): for the pair that data goes over. */
  bindChannel(peer: Address, now: number, out: IceOut): void {
    if (this.isContested || (this.#channelTo !== undefined && equalAddress(this.#channelTo, peer))) return
    this.#channelTo = peer
    this.#turn.bindChannel(peer, now, this.#out.through(out))
  }

  reaches(remote: Candidate): boolean {
    return remote.transport === "udp" && remote.address.ip.length === this.candidate.address.ip.length
  }

  open(): Path {
    return NO_PATH
  }

  isReady(remote: Address): boolean {
    return this.#permitted.has(formatIp(remote.ip))
  }

  reserve(remote: Address, _path: Path, max: number, now: number, out: IceOut): number {
    return this.#turn.reserve(remote, max, now, this.#out.through(out))
  }

  commit(length: number, out: IceOut): void {
    this.#turn.commit(length, this.#out.through(out))
  }

  receive(d: Datagram, now: number, out: IceOut): void {
    this.#receiving = out
    this.#turn.receive(d, now, this.#out.through(out))
  }

  tick(now: number, out: IceOut): void {
    this.#turn.tick(now, this.#out.through(out))
  }

  get nextTick(): number {
    return this.#turn.nextTick
  }

  /** Gives the allocation back; `closed` is told in the end. */
  close(now: number, out: IceOut): void {
    this.#turn.close(now, this.#out.through(out))
  }

  /** The address that it was reached from is gone. */
  cut(now: number, out: IceOut): void {
    this.#turn.closed(this.path, now, this.#out.through(out))
    this.hangUp(out)
  }

  /** The stream to the server ended. */
  lost(now: number, out: IceOut): void {
    this.#turn.closed(this.path, now, this.#out.through(out))
    if (this.#isStream && this.path !== NO_PATH) out.paths.release(this.path)
    this.path = NO_PATH
  }
}

const NOTHING: readonly TurnClientEvent[] = []
