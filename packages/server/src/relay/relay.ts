import type { Socket } from "node:net"
import type { IceServer } from "@tightbeam/client"
import { type Address, formatAddress, parseIp } from "@tightbeam/webrtc/bytes"
import type { Evidence } from "@tightbeam/webrtc/contract"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import {
  addressFrom,
  chooseIo,
  Driver,
  ownAddresses,
  type StreamCounters,
  type UdpCounters,
} from "@tightbeam/webrtc/net"
import {
  type AlternateServer,
  type AlternateServers,
  type TurnCounters,
  type TurnEvent,
  TurnServer,
  timeLimitedCredentials,
  turnFraming,
} from "@tightbeam/webrtc/turn"
import type { Config } from "../config/index.ts"
import { parseAddress } from "../listening-address.ts"
import { errorText, type Log } from "../log/index.ts"
import { relayBindAddresses } from "./announced.ts"
import type { CostOver } from "./cost.ts"
import { LateMachine } from "./late-machine.ts"
import { type Listeners, openListeners } from "./listeners.ts"
import { type RelayCost, RelayMeter } from "./relay-meter.ts"

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
  readonly log: Log
  readonly onEvidence?: (evidence: Evidence) => void
}

export interface RelayCounters {
  readonly turn: TurnCounters
  readonly udp: Readonly<UdpCounters>
  readonly streams: Readonly<StreamCounters>
}

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

/** STUN and TURN on one UDP port, and on the connections that it is given. */
export class Relay {
  readonly #options: RelayOptions
  readonly #driver: Driver<TurnEvent>
  readonly #server: TurnServer
  /** As clients reach it. */
  readonly #announced: Address
  readonly #meter = new RelayMeter(new Date())
  readonly #freedFor: Partial<Record<FreedReason, number>> = {}
  /** While draining: resolved when the last allocation is gone. */
  #empty: PromiseWithResolvers<void> | undefined

  /** Rejects with `ListenError`, or a TypeError that names an option. */
  static async start(options: RelayOptions): Promise<Relay> {
    const { turn, native, announce, log } = options
    const io = chooseIo(native)
    log.info("UDP", { form: io.form, ...(io.why && { why: io.why }) })
    const late = new LateMachine<TurnEvent>()
    let relay: Relay | undefined
    const driver = new Driver<TurnEvent>(late, {
      createIo: io.create,
      ...(options.onEvidence && { onEvidence: options.onEvidence }),
      onEvent: (event, now) => {
        if (relay !== undefined) relay.#book(event, now)
      },
      onFault: (error, during) => log.error("The relay has a bug", { during, error: errorText(error) }),
      streams: {
        ...turn.streams,
        idle: turn.streams.idle * 1000,
        drain: turn.streams.drain * 1000,
      },
      bindAddresses: relayBindAddresses(turn, options.announceV6),
    })
    try {
      const listeners = await openListeners(driver, turn, announce)
      const server = createServer(options, listeners)
      late.machine = server
      relay = new Relay(options, driver, server, { ip: parseIp(announce)!, port: listeners.port })
      return relay
    } catch (error) {
      await driver.close()
      throw error
    }
  }

  private constructor(
    options: RelayOptions,
    driver: Driver<TurnEvent>,
    server: TurnServer,
    announced: Address,
  ) {
    this.#options = options
    this.#driver = driver
    this.#server = server
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
    const ttl = this.#options.turn.credentialTtl * 1000
    this.#driver.command((now, out) =>
      this.#server.revoke(`${room}:${participant}`, now + ttl + CLOCK_STEP, now, out),
    )
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
    this.#driver.accept(connection, transport, turnFraming)
  }

  /** Resolves when nothing is relayed any more. Until then newcomers are sent to `turn.drainTo`, or served as before. */
  drain(): Promise<void> {
    this.#server.drain(alternatesOf(this.#options.turn.drainTo))
    this.#empty ??= Promise.withResolvers()
    this.#noteEmpty()
    return this.#empty.promise
  }

  #book(event: TurnEvent, now: number): void {
    if (event.type === "allocated") this.#meter.allocated(event.username, now)
    else {
      this.#meter.freed(event, now)
      this.#freedFor[event.reason] = (this.#freedFor[event.reason] ?? 0) + 1
      this.#noteEmpty()
    }
  }

  #noteEmpty(): void {
    if (this.#server.counters().allocations === 0) this.#empty?.resolve()
  }

  counters(): RelayCounters {
    return {
      turn: this.#server.counters(),
      udp: this.#driver.counters(),
      streams: this.#driver.streamCounters(),
    }
  }

  /** What each room cost, who relays, over what. */
  cost(): RelayCost {
    const now = performance.now()
    return this.#meter.report(this.#server.usage(now), now, new Date())
  }

  reading(): RelayReading {
    return {
      counters: this.#server.counters(),
      total: this.#meter.total(this.#server.usage(performance.now())),
      freed: this.#freedFor,
    }
  }

  /** Frees every allocation and closes every socket. */
  async close(): Promise<void> {
    this.#driver.command((now, out) => this.#server.close(now, out))
    await this.#driver.close()
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

function createServer(
  { turn, announce, announceV6, secret, listeners }: RelayOptions,
  { port, second }: Listeners,
): TurnServer {
  const announced = [announce, announceV6].flatMap(text => (text === undefined ? [] : parseIp(text)!))
  const [v4, v6] = [4, 16].map(length => announced.find(ip => ip.length === length))
  // Behind a 1:1 NAT our own ports can also be reached by the announced address, from inside.
  const never = [...listeners, { address: turn.address, port }].flatMap(listener => [
    addressFrom(listener.address, listener.port)!,
    ...announced.map(ip => ({ ip, port: listener.port })),
  ])
  for (const { address } of second?.listeners ?? []) {
    never.push(
      address,
      addressFrom(turn.address, address.port)!,
      addressFrom(turn.second.address!, address.port)!,
    )
  }
  return new TurnServer({
    crypto: nodeCrypto,
    epoch: Date.now() - performance.now(),
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
    ...(second && { secondAddress: second }),
    peers: {
      allow: turn.allowPeers,
      listeners: never,
      ownAddresses: ownAddresses().flatMap(text => parseIp(text) ?? []),
    },
  })
}
