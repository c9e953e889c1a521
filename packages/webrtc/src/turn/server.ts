import type { Datagram, Machine, Out, Path, Reply, SocketFailure } from "../contract/index.ts"
import {
  Attribute,
  demultiplex,
  hasValidFingerprint,
  MessageClass,
  Method,
  StunMessage,
} from "../stun/index.ts"
import { Allocate } from "./allocate.ts"
import type { Allocation } from "./allocation.ts"
import { AllocationTable } from "./allocation-table.ts"
import { type AlternateServers, checkAlternates } from "./alternate-server.ts"
import { type Authenticated, Authentication, type Unauthenticated } from "./authentication.ts"
import { Binding } from "./binding.ts"
import { limitedTo } from "./byte-bucket.ts"
import { Challenger } from "./challenge.ts"
import { FIRST_CHANNEL, LAST_CHANNEL, LAST_CHANNEL_RFC5766 } from "./channel.ts"
import { channelBind } from "./channel-bind.ts"
import { COMMON_LENGTH, Common } from "./common.ts"
import { Connect } from "./connect.ts"
import { connectionAttempt } from "./connection-attempt.ts"
import { connectionBind } from "./connection-bind.ts"
import { Counters, type TurnCounters } from "./counters.ts"
import { createPermission } from "./create-permission.ts"
import type { FreedReason, TurnEvent } from "./event.ts"
import { Tickets } from "./mobility.ts"
import { type Move, moveOf } from "./move.ts"
import { NonceMint } from "./nonce.ts"
import { Notes } from "./notes.ts"
import {
  DEFAULT_REALM,
  realmBytes,
  relayAddresses,
  type TurnServerOptions,
  withDefaultLimits,
} from "./options.ts"
import type { PeerConnection } from "./peer-connection.ts"
import { PeerConnections } from "./peer-connections.ts"
import { type IsRelayed, PeerPolicy } from "./peer-policy.ts"
import { RandomPool } from "./random-pool.ts"
import { refresh } from "./refresh.ts"
import { Relay } from "./relay.ts"
import { type Context, type Refusal, type Request, refusal } from "./request.ts"
import { type ReplyTo, Responder } from "./responder.ts"
import { RevokedUsers } from "./revoked-users.ts"
import { Listeners } from "./second-address.ts"
import { SourceBudget } from "./source-budget.ts"
import { understoodWith } from "./understood.ts"
import type { AllocationUsage } from "./usage.ts"

type TurnOut = Out<TurnEvent>

/** The methods of requests, but for Binding, and whether they are RFC 6062's. */
const METHODS: ReadonlyMap<number, "turn" | "tcp-peers"> = new Map([
  [Method.allocate, "turn"],
  [Method.refresh, "turn"],
  [Method.createPermission, "turn"],
  [Method.channelBind, "turn"],
  [Method.connect, "tcp-peers"],
  [Method.connectionBind, "tcp-peers"],
])

/**
 * A TURN server (RFC 8656) for clients over UDP, TCP and TLS, which relays over UDP and, for who may, over TCP (RFC 6062),
 * and also answers STUN Binding requests (RFC 8489 §12, RFC 5780).
 *
 * Datagrams of the sockets that it asked for are from peers; all others are from clients. It keeps
 * nothing for anybody who has not returned a nonce with a valid MESSAGE-INTEGRITY.
 */
export class TurnServer implements Machine<TurnEvent> {
  readonly #authentication: Authentication
  readonly #revoked: RevokedUsers
  readonly #table: AllocationTable
  readonly #relay: Relay
  readonly #context: Context
  readonly #allocate: Allocate
  readonly #connect: Connect
  readonly #connections: PeerConnections
  readonly #random: RandomPool
  readonly #counters = new Counters()
  readonly #responder = new Responder(this.#counters)
  readonly #challenger: Challenger
  readonly #binding: Binding
  readonly #strangers: SourceBudget
  readonly #notes: Notes
  readonly #message = new StunMessage()
  #isClosed = false

  /** Throws a TypeError or RangeError that names the option that it cannot serve with. */
  constructor(options: TurnServerOptions) {
    const { crypto, epoch, secrets } = options
    const limits = withDefaultLimits(options.limits)
    if (!Number.isFinite(epoch)) throw new RangeError(`epoch: ${epoch} is no number of milliseconds`)
    if (secrets.length === 0 || secrets.some(secret => secret.length === 0)) {
      throw new TypeError("secrets: at least one is needed, and none may be empty")
    }
    const realm = realmBytes(options.realm ?? DEFAULT_REALM)
    const { siblings } = options
    const nonces = new NonceMint(crypto, limits.nonceLifetime)
    this.#revoked = new RevokedUsers(limits.revokedUsers)
    this.#authentication = new Authentication({
      crypto,
      epoch,
      secrets,
      realm,
      nonces,
      isRevoked: user => this.#revoked.has(user),
    })
    this.#challenger = new Challenger(realm, nonces, this.#responder)
    const { secondAddress } = options
    const listeners = secondAddress && new Listeners(secondAddress.listeners)
    this.#binding = new Binding(this.#responder, this.#counters, listeners)
    this.#strangers = new SourceBudget({
      bytesPerSecond: limits.strangersBytesPerSecond,
      burst: limits.strangersBurst,
      sources: limits.strangersRemembered,
    })
    const random = new RandomPool(crypto)
    const common = new Common(siblings?.memory ?? Common.prepare(new ArrayBuffer(COMMON_LENGTH), crypto))
    const relays = relayAddresses(options, common)
    this.#notes = new Notes(this.#counters, limits)
    let lastId = 0
    const nextId = (): number => ++lastId
    const table = new AllocationTable(limits, random, relays, common, nextId)
    const ownAddresses = [...(options.peers?.ownAddresses ?? []), ...relays.map(({ ip }) => ip)]
    const isRelayed: IsRelayed = (ip, port, protocol) =>
      protocol === "udp" ? table.isLive(ip, port) : table.relayedFrom(ip, port, "tcp") !== undefined
    const policy = new PeerPolicy({ ...options.peers, ownAddresses }, isRelayed)
    const bandwidth = limitedTo(limits.relayedBytesPerSecond, common.bandwidth)
    this.#connections = new PeerConnections({
      random,
      counters: this.#counters,
      bandwidth,
      notes: this.#notes,
      nextId,
    })
    this.#random = random
    this.#table = table
    this.#relay = new Relay({
      table,
      policy,
      counters: this.#counters,
      random,
      bandwidth,
      reach: siblings?.reach,
      handlers: {
        unpermitted: (allocation, peer, out) => this.#notes.unpermitted(allocation, peer, out),
        arrived: (allocation, out) => this.#arrive(allocation, out),
      },
    })
    const tickets = options.mobility === true ? new Tickets(crypto) : undefined
    const lastChannel = options.channelNumbers === "rfc5766" ? LAST_CHANNEL_RFC5766 : LAST_CHANNEL
    this.#context = {
      table,
      tcpPeers: options.tcpPeers === true,
      connections: this.#connections,
      policy,
      limits,
      tickets,
      lastChannel,
      responder: this.#responder,
    }
    this.#connect = new Connect(this.#context)
    this.#allocate = new Allocate(this.#context, (allocation, out) => this.#tellAllocated(allocation, out))
  }

  receive(d: Datagram, now: number, out: TurnOut): void {
    if (this.#isClosed) return
    const socket = out.paths.socket(d.path)
    const allocation = this.#table.ofSocket(socket)
    if (allocation !== undefined) return this.#relay.fromPeer(allocation, d, now, out)
    if (this.#table.isReserved(socket)) return this.#counters.drop("no-permission")
    if (d.length === 0) return this.#counters.drop("malformed")
    const first = d.bytes[d.offset]!
    const kind = demultiplex(first)
    // The numbers that RFC 5766 had beyond RFC 8656's begin with a byte that is nobody's here.
    const isOldChannel =
      kind === "other" && first >= FIRST_CHANNEL >> 8 && first <= this.#context.lastChannel >> 8
    if (kind === "channel-data" || isOldChannel) return this.#relay.channelData(d, now, out)
    if (kind === "stun") return this.#receiveStun(d, now, out)
    this.#counters.drop("malformed")
  }

  reply(r: Reply, now: number, out: TurnOut): void {
    switch (r.type) {
      case "bound":
      case "listening":
        return this.#allocate.bound(r.id, r.socket, r.local, now, out)
      case "accepted":
        return this.#accept(r.id, r.path, now, out)
      case "connected":
        return this.#connect.connected(r.id, r.path, now, out)
      case "failed":
        return this.#fail(r.id, r.reason, now, out)
    }
  }

  #fail(id: number, reason: SocketFailure, now: number, out: TurnOut): void {
    const noConnection = this.#connect.failed(id, reason, now, out)
    if (noConnection !== undefined) {
      const { client, refused, allocation } = noConnection
      return this.#notes.refused(client, Method.connect, refused, now, out, allocation)
    }
    const noSocket = this.#allocate.failed(id, reason, now, out)
    if (noSocket !== undefined)
      this.#notes.refused(noSocket.client, Method.allocate, noSocket.refused, now, out)
  }

  /** A peer connected to a relayed transport address. */
  #accept(id: number, path: Path, now: number, out: TurnOut): void {
    const allocation = this.#table.listeningAs(id)
    if (allocation === undefined) return out.ask({ type: "close", socket: out.paths.socket(path) })
    connectionAttempt(this.#context, allocation, path, this.#random, now, out, peer => {
      this.#counters.drop("no-permission")
      this.#notes.unpermitted(allocation, peer, out)
    })
  }

  tick(now: number, out: TurnOut): void {
    for (
      let allocation = this.#table.expireNext(now, out);
      allocation !== undefined;
      allocation = this.#table.expireNext(now, out)
    ) {
      if (allocation.isOpen) this.#tellFreed(allocation, "expired", now, out)
    }
    this.#connections.expire(now, out)
  }

  get nextTick(): number {
    return Math.min(this.#table.nextExpiry, this.#connections.nextExpiry)
  }

  /** A client's connection is its 5-tuple: without it there is no allocation (RFC 8656 §3.2). */
  closed(path: Path, now: number, out: TurnOut): void {
    const connection = this.#connections.ofPath(path)
    if (connection !== undefined) return this.#connections.lost(connection, path, now, out)
    const allocation = this.#table.ofClient(path)
    if (allocation === undefined) return
    if (allocation.client !== path) return this.#table.forgetMove(allocation, out)
    const movedTo = allocation.mobility?.movedTo
    // Who moved and hangs up the old connection is at the new address (RFC 8016 §3.2.2).
    if (movedTo !== undefined && movedTo !== path) return this.#arrive(allocation, out)
    for (const each of allocation.both) this.#free(each, "connection-closed", now, out)
  }

  /**
   * Frees what a user has, and refuses their credentials until `until`, in ms on the machine's clock: when all that
   * they were given have expired. `user` is `room:participant`, whatever the expiry before it.
   */
  revoke(user: string, until: number, now: number, out: TurnOut): void {
    this.#revoked.add(user, until, now)
    if (this.#table.allocationsOf(user) === 0) return
    for (const allocation of this.#table.all)
      if (allocation.user === user) this.#free(allocation, "revoked", now, out)
  }

  /**
   * From now on whoever would allocate is sent to another server, where there is one for them (300, RFC 8656 §7.2); who
   * has an allocation keeps it. Throws a TypeError that names what is no address or name.
   */
  drain(alternates: AlternateServers): void {
    checkAlternates(alternates)
    this.#allocate.redirect(alternates)
  }

  /** Frees all allocations. What arrives afterwards is ignored, sockets that still come are closed. */
  close(now: number, out: TurnOut): void {
    this.#isClosed = true
    this.#table.forgetAwaited(out)
    for (const allocation of this.#table.all) this.#free(allocation, "server-closed", now, out)
  }

  /** Whether nothing is relayed. Who still waits for a socket may never get one, and nobody would be told. */
  get isEmpty(): boolean {
    for (const { isOpen } of this.#table.all) if (isOpen) return false
    return true
  }

  counters(): TurnCounters {
    const { size: allocations, perTransport: allocationsOver, freePorts, reservedPorts } = this.#table
    const connections = this.#connections.size
    return this.#counters.snapshot({ allocations, allocationsOver, connections, freePorts, reservedPorts })
  }

  /** What each allocation that was told of has cost until now. What has ended said so in its `freed` event. */
  usage(now: number): AllocationUsage[] {
    const live: AllocationUsage[] = []
    for (const allocation of this.#table.all) if (allocation.isOpen) live.push(allocation.usage(now))
    return live
  }

  #receiveStun(d: Datagram, now: number, out: TurnOut): void {
    const message = this.#message
    if (message.parse(d.bytes, d.offset, d.length) !== undefined) return this.#counters.drop("malformed")
    // Optional here, but a wrong one means that this is not what it seems (RFC 8489 §6.3, §7).
    if (message.fingerprintAt >= 0 && !hasValidFingerprint(message)) {
      return this.#counters.drop("bad-fingerprint")
    }
    if (message.class === MessageClass.indication) return this.#receiveIndication(d, now, out)
    if (message.class !== MessageClass.request) return this.#counters.drop("unexpected")
    if (message.method === Method.binding) {
      return this.#answerStranger(d, now, out, () =>
        this.#binding.answer(message, d, this.#replyTo(d.path), out),
      )
    }
    if (this.#serves(message.method)) return this.#receiveRequest(d, now, out)
    this.#counters.drop("unexpected")
  }

  #serves(method: number): boolean {
    const of = METHODS.get(method)
    return of === "turn" || (of === "tcp-peers" && this.#context.tcpPeers)
  }

  #receiveIndication(d: Datagram, now: number, out: TurnOut): void {
    // A Binding indication only keeps NATs open (RFC 8489 §6.3.2).
    if (this.#message.method === Method.binding) return
    if (this.#message.method !== Method.send || this.#message.hasUnknownAttributes(understoodWith(out))) {
      return this.#counters.drop("unexpected")
    }
    this.#relay.send(this.#message, d, now, out)
  }

  #receiveRequest(d: Datagram, now: number, out: TurnOut): void {
    const message = this.#message
    const client = out.paths.remote(d.path)
    const move = this.#moveIn(d)
    const connection = this.#connectionIn()
    const ofClient = move === undefined ? this.#table.ofClient(d.path) : allocationOf(move)
    // RFC 6062 §4.3: the credentials of the control connection are those of its data connections; its nonce is, too.
    const allocation = connection?.allocation ?? ofClient
    const control = connection && out.paths.remote(connection.allocation.client)
    const from = this.#authentication.authenticate(message, client, allocation, now, control)
    if (from.code !== 0) {
      return this.#answerStranger(d, now, out, () => this.#challenge(d, from, now, out))
    }
    const to = this.#replyTo(d.path, from)
    const request = { message, from, to }
    const refused =
      message.method === Method.connectionBind
        ? (this.#unknownIn(out) ?? connectionBind(this.#context, connection, request, now, out))
        : this.#handle(request, allocation, move, now, out)
    if (refused === undefined) return
    this.#responder.error(to, refused.code, out, refused.attributes)
    this.#notes.refused(d.path, message.method, refused, now, out, allocation)
  }

  #handle(
    request: Request,
    allocation: Allocation | undefined,
    move: Move | undefined,
    now: number,
    out: TurnOut,
  ): Refusal | undefined {
    const { message, from } = request
    const unknown = this.#unknownIn(out)
    if (unknown !== undefined) return unknown
    if (message.method === Method.allocate) return this.#allocate.handle(request, now, out)
    if (move !== undefined && "code" in move) return move
    // RFC 8656 §5: everything else needs an allocation, and its owner.
    if (!allocation?.isOpen) return refusal(437, "no allocation")
    if (from.key !== allocation.key) return refusal(441, "the allocation is another user's")
    // RFC 8016 §3.2.2 waits for data; who asks for more from the new address is as surely there, and may only listen.
    if (move === undefined && allocation.client !== request.to.client) this.#arrive(allocation, out)
    switch (message.method) {
      case Method.connect:
        return this.#connect.handle(allocation, request, out)
      case Method.refresh:
        return refresh(this.#context, allocation, request, move, now, out, each =>
          this.#free(each, "refresh-zero", now, out),
        )
      case Method.createPermission:
        return createPermission(this.#context, allocation, request, now, out, (owner, ip) =>
          this.#notes.permitted(owner, ip, out),
        )
      default:
        return channelBind(this.#context, allocation, request, now, out, (owner, channel) =>
          this.#notes.boundChannel(owner, channel, out),
        )
    }
  }

  #unknownIn(out: TurnOut): Refusal | undefined {
    const unknown = this.#message.unknownAttributes(understoodWith(out))
    if (unknown.length === 0) return undefined
    const why = `unknown attributes: ${unknown.map(hex).join(", ")}`
    return refusal(420, why, writer => writer.unknownAttributes(unknown))
  }

  /** The connection to a peer that a ConnectionBind is about (RFC 6062 §5.4). */
  #connectionIn(): PeerConnection | undefined {
    if (this.#message.method !== Method.connectionBind) return undefined
    return this.#connections.withId(this.#message.uint32(Attribute.connectionId))
  }

  /** A Refresh with a MOBILITY-TICKET is about the ticket's allocation, not that of its 5-tuple (RFC 8016 §3.2.2). */
  #moveIn(d: Datagram): Move | undefined {
    const message = this.#message
    const isOne = message.method === Method.refresh && message.has(Attribute.mobilityTicket)
    // Of who does not even claim to be somebody, no ticket is looked at.
    if (!isOne || !this.#hasIntegrity()) return undefined
    return moveOf(message, d.path, this.#table, this.#context.tickets)
  }

  #arrive(allocation: Allocation, out: Out<never>): void {
    this.#table.arrive(allocation, out)
    this.#notes.moved(allocation, out)
  }

  /**
   * Answers who is not authenticated, as long as their source has budget left. `answer` returns its length. Over a
   * connection nobody is answered who is not there.
   */
  #answerStranger(d: Datagram, now: number, out: TurnOut, answer: () => number): void {
    if (out.paths.transport(d.path) !== "udp") {
      answer()
      return
    }
    const budget = this.#strangers.of(out.paths.remote(d.path).ip)
    if (!budget.isOpen(now)) return this.#counters.drop("over-budget")
    budget.spend(answer())
  }

  #challenge(d: Datagram, refused: Unauthenticated, now: number, out: TurnOut): number {
    const length = this.#challenger.refuse(this.#replyTo(d.path), refused.code, d.length, now, out)
    // The first request has no credentials, and nonces go stale: that is how it is meant to be.
    const isOrdinary = refused.code === 438 || !this.#hasIntegrity()
    if (!isOrdinary) this.#notes.refused(d.path, this.#message.method, refused, now, out)
    return length
  }

  #hasIntegrity(): boolean {
    return this.#message.integrityAt >= 0 || this.#message.integritySha256At >= 0
  }

  #replyTo(client: Path, from?: Authenticated): ReplyTo {
    const { method, fingerprintAt } = this.#message
    return {
      client,
      method,
      transactionId: this.#message.transactionId.slice(),
      fingerprint: fingerprintAt >= 0,
      key: from?.key,
      algorithm: from?.algorithm,
    }
  }

  #free(allocation: Allocation, reason: FreedReason, now: number, out: TurnOut): void {
    this.#table.free(allocation, out)
    if (allocation.isOpen) this.#tellFreed(allocation, reason, now, out)
  }

  #tellAllocated(allocation: Allocation, out: TurnOut): void {
    const { number, username, relayed } = allocation
    const client = out.paths.remote(allocation.client)
    out.tell({ type: "allocated", allocation: number, username, client, relayed })
    this.#notes.allocated(allocation, out)
  }

  #tellFreed(allocation: Allocation, reason: FreedReason, now: number, out: TurnOut): void {
    this.#connections.freeAll(allocation, now, out)
    out.tell({ type: "freed", reason, ...allocation.usage(now) })
    this.#notes.freed(allocation, reason, out)
  }
}

function allocationOf(move: Move): Allocation | undefined {
  return "allocation" in move ? move.allocation : undefined
}

function hex(type: number): string {
  return `0x${type.toString(16).padStart(4, "0")}`
}
