import { deterministicCrypto, Internet, type LinkOptions, type Random } from "@tightbeam/sim"
import { equalAddress } from "@tightbeam/webrtc/bytes"
import type { Crypto } from "@tightbeam/webrtc/crypto"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import type { Candidate, IceAgentOptions, IceRole } from "@tightbeam/webrtc/ice"
import { Builder } from "./build.ts"
import { Caller } from "./caller.ts"
import type { PairTypes, RelayTransport } from "./oracle/judge.ts"
import type { Seat } from "./place.ts"
import { IceServers } from "./servers.ts"
import { SignalingPipe } from "./signaling.ts"

export interface CallOptions {
  readonly seed: number | string
  readonly ends: readonly [readonly Seat[], readonly Seat[]]
  /** How the TURN server may be reached; nothing: there is none. */
  readonly turn: readonly RelayTransport[]
  /** ICE-TCP. */
  readonly tcp: boolean
  /** Between any two networks. Default: 25 ms. */
  readonly link?: LinkOptions
  /** Of the signaling, one way, ms. Default 25. */
  readonly signaling?: number
  /** Who they are; by default the first is controlling. */
  readonly roles?: readonly [IceRole, IceRole]
  /** `ice-options` of both ends. Default: what ours have. */
  readonly iceOptions?: readonly string[]
  readonly rto?: IceAgentOptions["rto"]
  /** Of the agents and the server. Default: the real one, with the seed's randomness. */
  readonly crypto?: (random: Random) => Crypto
  /** Default: no. */
  readonly restarts?: boolean
  /** Each way, bytes. Default 100,000. */
  readonly bytes?: number
  /** Is shown the internet before anything happens in it. */
  readonly watch?: ((internet: Internet) => void) | undefined
}

const LINK: LinkOptions = { delay: 25 }
const SIGNALING = 25
const BYTES = 100_000
const realCrypto = (random: Random): Crypto => deterministicCrypto(nodeCrypto, random)
/** So many things never happen at one moment, but where a machine asks again and again for the time that it is. */
const MOST_AT_ONCE = 10_000
const ICE_OPTIONS = ["trickle", "renomination"]

/** What a call came to. */
export interface CallResult {
  readonly outcome: "direct" | "relay" | "none"
  /** What carries it from end to end. */
  readonly transport: "udp" | "tcp"
  /** As either end sees it. */
  readonly types: readonly [PairTypes, PairTypes] | undefined
  /** What each end's own relay is reached over, where it uses one. */
  readonly relayed: readonly [RelayTransport | undefined, RelayTransport | undefined]
  /** From when both had the other's description to when both could send, ms; Infinity where they never could. */
  readonly connected: number
  /** The least that a datagram took there and back, ms. */
  readonly roundTrip: number
  /** Connectivity checks that both sent, with those that were sent again. */
  readonly checks: number
}

/** Two agents on a simulated internet that call each other, and exchange data once they can. */
export class LabCall {
  readonly net: Internet
  readonly builder: Builder
  readonly servers: IceServers
  readonly callers: readonly [Caller, Caller]

  constructor(options: CallOptions) {
    const { seed, ends, turn, link = LINK, signaling = SIGNALING, bytes = BYTES, restarts = false } = options
    const {
      tcp,
      crypto = realCrypto,
      iceOptions = ICE_OPTIONS,
      rto = {},
      roles = ["controlling", "controlled"],
    } = options
    this.net = new Internet({ seed, link })
    options.watch?.(this.net)
    this.builder = new Builder(this.net)
    this.servers = new IceServers(this.net, crypto)
    const callers: Caller[] = []
    for (const [i, name] of (["ada", "ben"] as const).entries()) {
      const pipe = new SignalingPipe(this.net.schedule, signaling, message => callers[1 - i]!.hear(message))
      callers.push(
        new Caller({
          host: this.builder.host(name, ends[i]!),
          crypto: crypto(this.net.random.fork(name)),
          role: roles[i]!,
          offers: i === 0,
          servers: this.servers.for(name, { turn }),
          tcp,
          iceOptions,
          rto,
          bytes,
          restarts,
          say: message => pipe.post(message),
        }),
      )
    }
    this.callers = [callers[0]!, callers[1]!]
  }

  call(): void {
    this.callers[0].call()
  }

  /** Lets them send what they have to send as soon as they can. */
  exchange(): void {
    for (const { transfer } of this.callers) transfer.start()
  }

  get isDone(): boolean {
    return this.callers.every(({ transfer }) => transfer.isDone)
  }

  /** As in its result. */
  get connected(): number {
    const [a, b] = this.callers
    return Math.max(a.selectedAt, b.selectedAt) - Math.max(a.describedAt, b.describedAt)
  }

  get hasFailed(): boolean {
    return this.callers.every(({ agent }) => agent.state === "failed")
  }

  /** Runs until `condition` holds; false when it does not within `ms`. Throws where time does not pass any more. */
  runUntil(condition: () => boolean, ms: number): boolean {
    const end = this.net.now + ms
    let [at, steps] = [this.net.now, 0]
    while (!condition()) {
      if (!this.net.schedule.step(end)) return false
      if (this.net.now > at) [at, steps] = [this.net.now, 0]
      else if (++steps > MOST_AT_ONCE) throw new Error(`the clock stands still at ${at} ms`)
    }
    return true
  }

  /** Lets `ms` pass. */
  run(ms: number): void {
    const end = this.net.now + ms
    this.runUntil(() => false, ms)
    this.net.run(end - this.net.now)
  }

  /** Whether each end sends to where the other is. */
  get agrees(): boolean {
    const [a, b] = this.callers.map(({ agent }) => agent.selected)
    if (a === undefined || b === undefined) return a === b
    return isSame(a.local, b.remote) && isSame(b.local, a.remote)
  }

  get result(): CallResult {
    const { callers } = this
    const [a, b] = callers.map(({ agent }) => agent.selected)
    const measured = {
      connected: this.connected,
      roundTrip: Math.min(...callers.map(({ transfer }) => transfer.roundTrip)),
      checks: callers.reduce((sum, { checks }) => sum + checks, 0),
    }
    if (a === undefined || b === undefined || !this.isDone)
      return {
        outcome: "none",
        transport: "udp",
        types: undefined,
        relayed: [undefined, undefined],
        ...measured,
      }
    const types = [typesOf(a), typesOf(b)] as const
    const isRelayed = types.some(({ local }) => local === "relay")
    return {
      outcome: isRelayed ? "relay" : "direct",
      transport: a.local.transport,
      types,
      relayed: [a.local.relayTransport, b.local.relayTransport],
      ...measured,
    }
  }
}

function typesOf({ local, remote }: { local: Candidate; remote: Candidate }): PairTypes {
  return { local: local.type, remote: remote.type }
}

/** An active end of TCP has no port that anybody could know beforehand (RFC 6544 §4.5). */
function isSame(one: Candidate, other: Candidate): boolean {
  if (one.transport !== other.transport) return false
  return one.transport === "tcp" || equalAddress(one.address, other.address)
}
