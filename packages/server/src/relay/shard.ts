import type { Socket } from "node:net"
import type { Evidence } from "@tightbeam/webrtc/contract"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import {
  Driver,
  type DriverOptions,
  monotonicNow,
  type StreamCounters,
  type StreamLimits,
  type UdpCounters,
} from "@tightbeam/webrtc/net"
import {
  type AllocationUsage,
  type AlternateServers,
  type TurnCounters,
  type TurnEvent,
  TurnServer,
  type TurnServerOptions,
  turnFraming,
} from "@tightbeam/webrtc/turn"
import { addUsage, type CostOver, copyOf } from "./cost.ts"
import { DtlsClients, type DtlsSettings } from "./dtls-clients.ts"
import { LateMachine } from "./late-machine.ts"
import { addressesOf, type ListenAt, type Listeners, openListeners } from "./listeners.ts"

/** What one shard does. It can be told to another thread. */
export interface ShardSettings {
  readonly server: Omit<TurnServerOptions, "crypto" | "epoch">
  /** Where clients come to over UDP; without it they only come by `accept`. */
  readonly listen?: ListenAt
  /** Other shards listen there too: this is the first, or joins it. */
  readonly share?: "first" | "join" | undefined
  /** Where others listen, if this one does not: never a peer. */
  readonly siblingsListen?: ListenAt
  readonly bindAddresses: { readonly 4?: string; readonly 6?: string }
  readonly streams: Partial<StreamLimits>
  /** Clients may come over DTLS, too. */
  readonly dtls?: DtlsSettings | undefined
}

export interface ShardCounters {
  readonly turn: TurnCounters
  readonly udp: Readonly<UdpCounters>
  readonly streams: Readonly<StreamCounters>
}

/** What a shard has to say. `now` is the monotonic clock, which is the same on all threads. */
export interface ShardOwner {
  event(event: TurnEvent, now: number): void
  evidence(evidence: Evidence, now: number): void
  fault(error: unknown, during: string): void
}

/** The part of the relay that is on one thread: clients of its own, and sockets of its own. */
export class Shard {
  readonly #driver: Driver<TurnEvent>
  readonly #server: TurnServer
  readonly #dtls: DtlsClients | undefined
  /** Where it listens, with the ports that it had. */
  readonly listen: ListenAt | undefined
  /** What has ended. */
  readonly #ended: CostOver = {}
  #onEmpty: (() => void) | undefined

  /** Rejects with `ListenError`, or a TypeError that names an option. */
  static async start(
    settings: ShardSettings,
    owner: ShardOwner,
    io: Pick<DriverOptions<TurnEvent>, "createIo" | "clock">,
  ): Promise<Shard> {
    const late = new LateMachine<TurnEvent>()
    let note = (_event: TurnEvent): void => {}
    const driver = new Driver<TurnEvent>(late, {
      ...io,
      onEvidence: (evidence, now) => owner.evidence(evidence, now),
      onEvent: (event, now) => {
        owner.event(event, now)
        note(event)
      },
      onFault: (error, during) => owner.fault(error, during),
      streams: settings.streams,
      udp: { share: settings.share },
      bindAddresses: settings.bindAddresses,
    })
    try {
      const listeners = settings.listen && (await openListeners(driver, settings.listen))
      const server = createServer(settings, listeners)
      const dtls = settings.dtls && listeners && new DtlsClients(server, listeners.sockets, settings.dtls)
      late.machine = dtls ?? server
      const shard = new Shard(driver, server, dtls, listeners?.at)
      note = event => shard.#note(event)
      return shard
    } catch (error) {
      await driver.close()
      throw error
    }
  }

  private constructor(
    driver: Driver<TurnEvent>,
    server: TurnServer,
    dtls: DtlsClients | undefined,
    listen: ListenAt | undefined,
  ) {
    this.#driver = driver
    this.#server = server
    this.#dtls = dtls
    this.listen = listen
  }

  /** Takes a connection over, whose first bytes are STUN. */
  accept(connection: Socket, transport: "tcp" | "tls"): void {
    this.#driver.accept(connection, transport, turnFraming)
  }

  /** Frees what a user has, and refuses their credentials until `until`, on the monotonic clock in ms. */
  revoke(user: string, until: number): void {
    this.#driver.command((now, out) => this.#server.revoke(user, until, now, out))
  }

  /** `onEmpty` is called once nothing is relayed any more. */
  drain(alternates: AlternateServers, onEmpty: () => void): void {
    this.#server.drain(alternates)
    this.#onEmpty = onEmpty
    this.#noteEmpty()
  }

  counters(): ShardCounters {
    return {
      turn: this.#server.counters(),
      udp: this.#driver.counters(),
      streams: this.#driver.streamCounters(),
    }
  }

  usage(): AllocationUsage[] {
    return this.#server.usage(monotonicNow())
  }

  /** Of all that it relays and has relayed: little to tell, however many there are. */
  total(): CostOver {
    const total = copyOf(this.#ended)
    for (const usage of this.usage()) addUsage(total, usage, true)
    return total
  }

  /** Frees every allocation and closes every socket. */
  async close(): Promise<void> {
    this.#driver.command((now, out) => {
      this.#dtls?.close(now, out)
      this.#server.close(now, out)
    })
    await this.#driver.close()
  }

  #note(event: TurnEvent): void {
    if (event.type === "freed") addUsage(this.#ended, event, false)
    this.#noteEmpty()
  }

  #noteEmpty(): void {
    if (this.#onEmpty === undefined || !this.#server.isEmpty) return
    this.#onEmpty()
    this.#onEmpty = undefined
  }
}

function createServer(
  { server, siblingsListen }: ShardSettings,
  listeners: Listeners | undefined,
): TurnServer {
  const at = listeners?.at ?? siblingsListen
  const never = [
    ...(server.peers?.listeners ?? []),
    ...(at === undefined ? [] : addressesOf(at, server.relayedAddress)),
  ]
  return new TurnServer({
    ...server,
    crypto: nodeCrypto,
    epoch: Date.now() - monotonicNow(),
    ...(listeners?.second && { secondAddress: listeners.second }),
    peers: { ...server.peers, listeners: never },
  })
}
