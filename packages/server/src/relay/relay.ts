import type { Socket } from "node:net"
import type { IceServer } from "@tightbeam/client"
import { type Address, formatAddress, parseIp } from "@tightbeam/webrtc/bytes"
import type { Evidence } from "@tightbeam/webrtc/contract"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import { addressFrom, chooseIo, monotonicNow, ownAddresses } from "@tightbeam/webrtc/net"
import {
  type AllocationUsage,
  type AlternateServer,
  type AlternateServers,
  COMMON_LENGTH,
  Common,
  type Siblings,
  type TurnCounters,
  type TurnEvent,
  timeLimitedCredentials,
} from "@tightbeam/webrtc/turn"
import type { Config } from "../config/index.ts"
import { parseAddress } from "../listening-address.ts"
import { errorText, type Log } from "../log/index.ts"
import { relayBindAddresses } from "./announced.ts"
import { type CostOver, mergeCosts } from "./cost.ts"
import type { ListenAt } from "./listeners.ts"
import { type RelayCost, RelayMeter } from "./relay-meter.ts"
import { Shard, type ShardCounters, type ShardOwner, type ShardSettings } from "./shard.ts"
import { sumOf, sumOfTurn } from "./sum-of-counters.ts"
import { ThreadedShard } from "./threaded-shard.ts"

export interface RelayOptions {
  readonly turn: Config["turn"]
  readonly native: Config["native"]
  /** The address that clients are told, see `announcedAddress`. */
  readonly announce: string
  /** The IPv6 address that is relayed from beside that one, see `announcedV6`. */
  readonly announceV6?: string | undefined
  readonly secret: Uint8Array
  /** Where else this process listens: never a peer. */
  readonly listeners: readonly { readonly address: string; readonly port: number }[]
  /** Where clients reach it over TCP, if they do: the port that calls `accept`. */
  readonly tcpPort?: number | undefined
  /** What the certificate on that port is good for, as it stands in a URL; `undefined` where TLS is not offered. */
  readonly tlsHost?: () => string | undefined
  /** PEM; what clients over DTLS are shown, if they may come. */
  readonly certificate?: { readonly cert: string; readonly key: string } | undefined
  readonly log: Log
  readonly onEvidence?: (evidence: Evidence) => void
}

export type RelayCounters = ShardCounters

type FreedReason = Extract<TurnEvent, { type: "freed" }>["reason"]

/** Sums over everybody: what metrics are made of. */
export interface RelayReading {
  readonly counters: TurnCounters
  readonly total: CostOver
  /** Allocations that ended, by why. */
  readonly freed: Readonly<Partial<Record<FreedReason, number>>>
}

/** ICE servers for one participant. */
export interface IceServers {
  readonly iceServers: readonly IceServer[]
  /** How long their credentials are good, seconds. */
  readonly ttl: number
}

/** Credentials expire by the calendar, which may be set back a little meanwhile, ms. */
const CLOCK_STEP = 60_000

/**
 * STUN and TURN on one UDP port, and on the connections that it is given. Who comes over UDP is served by threads that do
 * nothing else, where the machine can have such; connections are served here, where they are accepted.
 */
export class Relay {
  readonly #options: RelayOptions
  readonly #here: Shard
  readonly #threads: readonly ThreadedShard[]
  /** As clients reach it. */
  readonly #announced: Address
  readonly #books: Books
  #drained: Promise<unknown> | undefined
  #closed: Promise<unknown> | undefined

  /** Rejects with `ListenError`, or a TypeError that names an option. */
  static async start(options: RelayOptions): Promise<Relay> {
    const { turn, native, announce, log, onEvidence } = options
    const io = chooseIo(native)
    const workers = io.form === "batched" ? turn.workers : 0
    log.info("UDP", { form: io.form, threads: workers, ...(io.why && { why: io.why }) })
    const books = new Books()
    const owner: ShardOwner = {
      event: (event, now) => books.enter(event, now),
      evidence: evidence => onEvidence?.(evidence),
      fault: (error, during) => log.error("The relay has a bug", { during, error: errorText(error) }),
    }
    const settings = shardSettings(
      options,
      workers > 0 ? siblingsBoundTo(relayBindAddresses(turn, options.announceV6)) : undefined,
    )
    const threads: ThreadedShard[] = []
    let listen = listenAt(options)
    try {
      for (let i = 0; i < workers; i++) {
        const share = workers === 1 ? undefined : i === 0 ? "first" : "join"
        threads.push(await ThreadedShard.start({ ...settings, listen, share }, owner))
        // The first finds the ports where any would do.
        listen = threads[0]!.listen
      }
      const here = await Shard.start(
        workers === 0 ? { ...settings, listen } : { ...settings, siblingsListen: listen },
        owner,
        { createIo: io.create },
      )
      const { port } = here.listen ?? listen
      return new Relay(options, { here, threads, books, announced: { ip: parseIp(announce)!, port } })
    } catch (error) {
      await Promise.all(threads.map(thread => thread.close()))
      throw error
    }
  }

  private constructor(
    options: RelayOptions,
    {
      here,
      threads,
      books,
      announced,
    }: { here: Shard; threads: readonly ThreadedShard[]; books: Books; announced: Address },
  ) {
    this.#options = options
    this.#here = here
    this.#threads = threads
    this.#books = books
    this.#announced = announced
  }

  /** The UDP port that it listens on. */
  get port(): number {
    return this.#announced.port
  }

  /** Fresh credentials, bound to this participant of this room. */
  iceServers(room: string, participant: string): IceServers {
    const { secret, turn } = this.#options
    const ttl = turn.credentialTtl
    const expiry = Math.floor(Date.now() / 1000) + ttl
    const { username, password } = timeLimitedCredentials({
      crypto: nodeCrypto,
      secret,
      room,
      participant,
      expiry,
    })
    return {
      iceServers: [
        { urls: [`stun:${formatAddress(this.#announced)}`] },
        { urls: this.#turnUrls(), username, credential: password },
      ],
      ttl,
    }
  }

  /** Frees what a participant relays, at once, and refuses all credentials that they were given. */
  revoke(room: string, participant: string): void {
    if (this.#closed !== undefined) return
    const until = monotonicNow() + this.#options.turn.credentialTtl * 1000 + CLOCK_STEP
    for (const shard of this.#shards) shard.revoke(`${room}:${participant}`, until)
  }

  /** RFC 7065. UDP first: browsers try all of them, and prefer what is earlier in this list. */
  #turnUrls(): string[] {
    const { tcpPort, tlsHost } = this.#options
    const urls = [`turn:${formatAddress(this.#announced)}?transport=udp`]
    if (tcpPort === undefined) return urls
    urls.push(`turn:${formatAddress({ ...this.#announced, port: tcpPort })}?transport=tcp`)
    const host = tlsHost?.()
    if (host !== undefined) urls.push(`turns:${host}:${tcpPort}?transport=tcp`)
    return urls
  }

  /** Takes a connection over, whose first bytes are STUN. */
  accept(connection: Socket, transport: "tcp" | "tls"): void {
    this.#here.accept(connection, transport)
  }

  /** Resolves when nothing is relayed any more. Until then newcomers are sent to `turn.drainTo`, or served as before. */
  drain(): Promise<unknown> {
    const alternates = alternatesOf(this.#options.turn.drainTo)
    this.#drained ??= Promise.all(
      this.#shards.map(shard => new Promise<void>(resolve => shard.drain(alternates, resolve))),
    )
    return this.#drained
  }

  async counters(): Promise<RelayCounters> {
    const counters = await Promise.all(this.#shards.map(async shard => await shard.counters()))
    return counters.reduce((sum, each) => ({
      turn: sumOfTurn(sum.turn, each.turn),
      udp: sumOf(sum.udp, each.udp),
      streams: sumOf(sum.streams, each.streams),
    }))
  }

  /** What each room cost, who relays, over what. */
  async cost(): Promise<RelayCost> {
    return this.#books.meter.report(await this.#usage(), monotonicNow(), new Date())
  }

  async reading(): Promise<RelayReading> {
    const [counters, totals] = await Promise.all([
      this.counters(),
      Promise.all(this.#shards.map(async shard => await shard.total())),
    ])
    const total: CostOver = {}
    for (const each of totals) mergeCosts(total, each)
    return { counters: counters.turn, total, freed: this.#books.freed }
  }

  /** Frees every allocation and closes every socket. */
  close(): Promise<unknown> {
    this.#closed ??= Promise.all(this.#shards.map(shard => shard.close()))
    return this.#closed
  }

  get #shards(): readonly (Shard | ThreadedShard)[] {
    return [...this.#threads, this.#here]
  }

  async #usage(): Promise<AllocationUsage[]> {
    const usage = await Promise.all(this.#shards.map(async shard => await shard.usage()))
    return usage.flat().filter(({ allocation }) => this.#books.isLive(allocation))
  }
}

/** What all shards say of what they relay. */
class Books {
  readonly meter = new RelayMeter(new Date())
  readonly freed: Partial<Record<FreedReason, number>> = {}
  readonly #live = new Set<number>()

  /** Whether an allocation is not booked yet: it may have ended since its shard said what it cost. */
  isLive(allocation: number): boolean {
    return this.#live.has(allocation)
  }

  enter(event: TurnEvent, now: number): void {
    if (event.type === "allocated") {
      this.#live.add(event.allocation)
      this.meter.allocated(event.username, now)
    } else {
      this.#live.delete(event.allocation)
      this.meter.freed(event, now)
      this.freed[event.reason] = (this.freed[event.reason] ?? 0) + 1
    }
  }
}

function alternatesOf({ udp, tcp, tls, tlsHost }: Config["turn"]["drainTo"]): AlternateServers {
  const at = (texts: readonly string[], domain?: string): AlternateServer => {
    const known = texts.flatMap(text => parseAddress(text) ?? [])
    const [v4, v6] = [4, 16].map(length => known.find(({ ip }) => ip.length === length))
    return { ...(v4 && { v4 }), ...(v6 && { v6 }), ...(domain !== undefined && { domain }) }
  }
  return { udp: at(udp), tcp: at(tcp), tls: at(tls, tlsHost) }
}

function listenAt({ turn, announce }: RelayOptions): ListenAt {
  const { address, port, second } = turn
  if (second.address === undefined) return { address, port, announce }
  const other = { address: second.address, port: second.port, announce: second.announce ?? second.address }
  return { address, port, announce, second: other }
}

/** What all shards do alike. */
function shardSettings(
  { turn, native, announce, announceV6, secret, listeners, certificate }: RelayOptions,
  siblings: Siblings | undefined,
): ShardSettings {
  const announced = [announce, announceV6].flatMap(text => (text === undefined ? [] : parseIp(text)!))
  const [v4, v6] = [4, 16].map(length => announced.find(ip => ip.length === length))
  // Behind a 1:1 NAT our own ports can also be reached by the announced address, from inside.
  const never = listeners.flatMap(listener => [
    addressFrom(listener.address, listener.port)!,
    ...announced.map(ip => ({ ip, port: listener.port })),
  ])
  return {
    server: {
      realm: turn.realm,
      secrets: [secret],
      relayedAddress: { ...(v4 && { v4 }), ...(v6 && { v6 }) },
      relayPorts: turn.relayPorts,
      limits: {
        ...turn.quotas,
        allocationBytesPerSecond: turn.quotas.allocationBytesPerSecond || Infinity,
        relayedBytesPerSecond: turn.quotas.relayedBytesPerSecond || Infinity,
      },
      channelNumbers: turn.channelNumbers,
      mobility: turn.mobility,
      tcpPeers: turn.tcpPeers,
      peers: {
        allow: turn.allowPeers,
        listeners: never,
        ownAddresses: ownAddresses().flatMap(text => parseIp(text) ?? []),
      },
      ...(siblings && { siblings }),
    },
    bindAddresses: relayBindAddresses(turn, announceV6),
    ...(turn.dtls && { dtls: { ...certificate, native } }),
    streams: { ...turn.streams, idle: turn.streams.idle * 1000, drain: turn.streams.drain * 1000 },
  }
}

/** What shards have in common whose relay sockets are bound there. */
function siblingsBoundTo(addresses: ReturnType<typeof relayBindAddresses>): Siblings {
  return {
    memory: Common.prepare(new SharedArrayBuffer(COMMON_LENGTH), nodeCrypto),
    reach: { v4: parseIp(addresses[4] ?? "127.0.0.1")!, v6: parseIp(addresses[6] ?? "::1")! },
  }
}
