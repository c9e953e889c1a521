import { type Address, equalAddress, equalBytes } from "../../bytes/index.ts"
import { type Datagram, type Machine, NO_PATH, type Out, type Path } from "../../contract/index.ts"
import {
  Attribute,
  demultiplex,
  hasValidFingerprint,
  MessageClass,
  Method,
  StunMessage,
} from "../../stun/index.ts"
import { RandomPool } from "../random-pool.ts"
import { isAsAsked, readAllocated, readAlternate, writeAllocate } from "./allocate.ts"
import { type ClientChannel, ClientChannels } from "./channels.ts"
import { Data, type TurnClientCounters } from "./data.ts"
import type { Failure, TurnClientEvent } from "./events.ts"
import { LongTermCredential } from "./long-term-credential.ts"
import {
  checkClientOptions,
  type TurnClientLimits,
  type TurnClientOptions,
  withDefaultClientLimits,
} from "./options.ts"
import { type Permission, Permissions } from "./permissions.ts"
import { type Outcome, Requests, UNDERSTOOD } from "./requests.ts"

/** How long before the allocation expires it is refreshed, in ms, of long lifetimes: more than one request can take. */
const REFRESH_MARGIN = 60_000

/** However short the lifetime, no Refresh follows an answer sooner, in ms. */
const MIN_REFRESH_INTERVAL = 1_000

/** When a Refresh that the server could not handle is tried again, in ms (RFC 8489 §14.8: 500). */
const RETRY_INTERVAL = 5_000

/** An allocation that the server forgot sooner than this after it made it is not asked for again, in ms. */
const MIN_RENEWAL_INTERVAL = 10_000

/** Where we were within this time is not gone to again, in ms (RFC 8489 §10). */
const REDIRECTION_MEMORY = 300_000

/** RFC 8656 §7.4, of 437: "three different client transport addresses before giving up", then "2 minutes", in ms. */
const MISMATCHES = 3
const WAIT_AFTER_MISMATCHES = 120_000

/** Peers in one CreatePermission: with the longest credentials it still fits. */
const PEERS_PER_REQUEST = 16

type ClientOut = Out<TurnClientEvent>
type State = "idle" | "allocating" | "allocated" | "closing" | "closed"

/**
 * A TURN client (RFC 8656): one allocation on one server, reached by a path that its owner opened, over UDP, TCP or
 * TLS. It keeps the allocation, the permissions and the channels that it was told to have until it is told otherwise;
 * the owner hears what came of it as events, and gets the peers' data by `onData`.
 */
export class TurnClient implements Machine<TurnClientEvent> {
  readonly #options: TurnClientOptions
  readonly #limits: TurnClientLimits
  readonly #credential: LongTermCredential
  readonly #requests: Requests
  readonly #permissions: Permissions
  readonly #channels: ClientChannels
  readonly #random: RandomPool
  readonly #data: Data
  readonly #message = new StunMessage()
  /** Servers that an Allocate was sent to, and when. */
  #tried: { readonly server: Address; readonly at: number }[] = []
  #mismatches = 0
  #mayFree: boolean
  #state: State = "idle"
  #server: Path = NO_PATH
  #allocatedAt = 0
  #expiresAt = Infinity
  /** Infinity while one is under way. */
  #refreshAt = Infinity
  #nextTick = Infinity
  /** What is told once the server freed the allocation: `closed`, or why it is of no use. */
  #afterFarewell: Extract<TurnClientEvent, { type: "closed" | "failed" }> = { type: "closed" }

  /** Throws a TypeError or RangeError that names the option that makes no sense. */
  constructor(options: TurnClientOptions) {
    checkClientOptions(options)
    const limits = withDefaultClientLimits(options.limits)
    this.#options = options
    this.#limits = limits
    this.#mayFree = options.mismatch === "forgotten"
    this.#credential = new LongTermCredential(options.crypto, options.username, options.password)
    this.#requests = new Requests(options.crypto, this.#credential, options, limits.requests)
    this.#permissions = new Permissions(limits.permissions)
    this.#channels = new ClientChannels(limits.channels)
    this.#random = new RandomPool(options.crypto)
    this.#data = new Data(this.#channels, this.#permissions, this.#random, options.onData)
  }

  /** Asks the server behind a path for an allocation; the path is held for as long as it is needed. */
  allocate(server: Path, now: number, out: ClientOut): void {
    if (this.#state !== "idle") throw new Error(`allocate: this client is ${this.#state}`)
    if (server === NO_PATH) throw new RangeError("allocate: there is no path")
    out.paths.hold(server)
    this.#server = server
    this.#requests.direct(server, out.paths.transport(server) !== "udp")
    this.#credential.forget()
    this.#sendAllocate(now, out)
    this.#settle(now, out)
  }

  /** Wants permissions for these IP addresses from now on, until `forget`. Known ones are no news. */
  permit(peers: readonly Uint8Array[], now: number, out: ClientOut): void {
    for (const ip of peers) this.#want(ip, now, out)
    this.#settle(now, out)
  }

  /** Wants a channel to a peer from now on, and a permission for it; data goes by Send indications until it is bound. */
  bindChannel(peer: Address, now: number, out: ClientOut): void {
    const known = this.#channels.of(peer)
    if (known?.isWanted) return
    if (!this.#want(peer.ip, now, out)) this.#refuseChannel(peer, { reason: "too-many" }, out)
    else if (known !== undefined) known.revive(now)
    else if (this.#channels.add(peer, now) === undefined)
      this.#refuseChannel(peer, { reason: "too-many" }, out)
    this.#settle(now, out)
  }

  /** An IP address needs no permission any more, and nothing at it a channel: they are left to expire. */
  forget(ip: Uint8Array, now: number): void {
    const permission = this.#permissions.of(ip)
    if (permission !== undefined) this.#permissions.remove(permission)
    for (const channel of this.#channels.all) if (equalBytes(channel.peer.ip, ip)) channel.drop(now)
    this.#nextTick = this.#computeNextTick()
  }

  /**
   * Room for `max` bytes to a peer in `out.bytes`; -1 when there is no permission for it (yet). What was written there
   * goes by the peer's channel where one is bound, else by a Send indication.
   */
  reserve(peer: Address, max: number, now: number, out: ClientOut): number {
    return this.#state === "allocated" ? this.#data.reserve(this.#server, peer, max, now, out) : -1
  }

  /** Sends the first `length` bytes of the last `reserve`. */
  commit(length: number, out: ClientOut): void {
    this.#data.commit(length, out)
  }

  /** Sends a copy of `data` to a peer; false when there is no permission for it (yet). */
  send(peer: Address, data: Uint8Array, now: number, out: ClientOut): boolean {
    const at = this.reserve(peer, data.length, now, out)
    if (at < 0) return false
    out.bytes.set(data, at)
    this.commit(data.length, out)
    return true
  }

  /** Frees the allocation (RFC 8656 §8.1); `closed` is told when the server did, or does not answer. */
  close(now: number, out: ClientOut): void {
    if (this.#state === "closed") return
    this.#afterFarewell = { type: "closed" }
    this.#permissions.clear()
    this.#channels.clear()
    if (this.#state === "idle") this.#farewellEnded(out)
    else if (this.#state === "allocated") this.#sendFarewell(now, out)
    // What is being asked for is not freed before it is there: the two requests might overtake each other.
    else this.#state = "closing"
    this.#settle(now, out)
  }

  receive(d: Datagram, now: number, out: ClientOut): void {
    // Before anything else: whoever is not the server is nobody.
    if (d.path !== this.#server || d.length === 0) return
    const kind = demultiplex(d.bytes[d.offset]!)
    if (kind === "channel-data") return this.#data.channelData(d, now, out)
    const message = this.#message
    if (kind !== "stun" || message.parse(d.bytes, d.offset, d.length) !== undefined) return this.#data.drop()
    if (message.fingerprintAt >= 0 && !hasValidFingerprint(message)) return this.#data.drop()
    if (message.class === MessageClass.indication) {
      if (message.method !== Method.data || message.hasUnknownAttributes(UNDERSTOOD)) return this.#data.drop()
      return this.#data.indication(message, d, now, out)
    }
    this.#requests.receive(message, now, out)
    this.#settle(now, out)
  }

  reply(): void {
    // It asks its driver for nothing: the path is its owner's.
  }

  tick(now: number, out: ClientOut): void {
    this.#requests.tick(now, out)
    this.#settle(now, out)
  }

  /** The stream to the server ended: that is the allocation's end too (RFC 8656 §3.2). */
  closed(path: Path, now: number, out: ClientOut): void {
    if (path !== this.#server) return
    this.#end({ reason: "connection-closed" }, out)
    this.#settle(now, out)
  }

  get nextTick(): number {
    return this.#nextTick
  }

  counters(): Readonly<TurnClientCounters> {
    return this.#data.counters
  }

  /** False when the table is full. */
  #want(ip: Uint8Array, now: number, out: ClientOut): boolean {
    if (this.#permissions.of(ip) !== undefined) return true
    if (this.#permissions.isFull) {
      out.tell({ type: "permission-refused", peer: ip.slice(), failure: { reason: "too-many" } })
      return false
    }
    this.#permissions.add(ip, now)
    return true
  }

  /** After each turn: asks for what is due, and looks when there will be more. */
  #settle(now: number, out: ClientOut): void {
    if (this.#state === "allocated" && now >= this.#expiresAt) this.#end({ reason: "expired" }, out)
    if (this.#state === "allocated") {
      // Whatever else waits for answers: all of it hangs on this.
      if (now >= this.#refreshAt) this.#sendRefresh(now, out)
      this.#askForPermissions(now, out)
      for (const channel of this.#channels.all)
        if (channel.dueAt <= now && this.#requests.hasRoom) this.#sendChannelBind(channel, now, out)
    }
    this.#nextTick = this.#computeNextTick()
  }

  #computeNextTick(): number {
    const answers = this.#requests.nextTick
    if (this.#state !== "allocated") return answers
    const next = Math.min(answers, this.#refreshAt, this.#expiresAt)
    // What has no room waits for an answer.
    if (!this.#requests.hasRoom) return next
    return Math.min(next, this.#permissions.nextDue, this.#channels.nextDue)
  }

  #sendAllocate(now: number, out: ClientOut): void {
    this.#state = "allocating"
    this.#remember(out.paths.remote(this.#server), now)
    this.#requests.send(
      Method.allocate,
      writer => writeAllocate(writer, this.#options),
      (outcome, now, out) => this.#allocateEnded(outcome, now, out),
      now,
      out,
    )
  }

  #allocateEnded(outcome: Outcome, now: number, out: ClientOut): void {
    if (outcome.type === "success") this.#allocateGranted(outcome, now, out)
    else if (this.#state === "closing") this.#farewellEnded(out)
    else if (outcome.failure.code === 437 && this.#mayFree) this.#freeForgotten(now, out)
    else if (outcome.type === "error" && outcome.failure.code === 300) this.#redirected(outcome, now, out)
    else this.#end(this.#afterMismatch(outcome.failure), out)
  }

  #allocateGranted(
    { message, startedAt }: Extract<Outcome, { type: "success" }>,
    now: number,
    out: ClientOut,
  ): void {
    if (this.#state === "closing") return this.#sendFarewell(now, out)
    const allocated = readAllocated(message)
    if (allocated === undefined || !isAsAsked(allocated, this.#options)) {
      // RFC 8656 §7.3: what cannot be used must be given back.
      const reason = allocated === undefined ? "unreadable" : "address-family-not-supported"
      this.#afterFarewell = { type: "failed", failure: { reason } }
      return this.#sendFarewell(now, out)
    }
    this.#state = "allocated"
    this.#mismatches = 0
    this.#allocatedAt = now
    this.#lives(allocated.lifetime, startedAt, now)
    for (const permission of this.#permissions.all) permission.reset(now)
    for (const channel of this.#channels.all) channel.reset(now)
    out.tell(allocated)
  }

  /** RFC 8489 §10. */
  #redirected({ message }: Extract<Outcome, { type: "error" }>, now: number, out: ClientOut): void {
    const alternate = readAlternate(message)
    if (alternate === undefined) return this.#end({ reason: "unreadable", code: 300 }, out)
    const isLoop = this.#tried.some(
      ({ server, at }) => now - at < REDIRECTION_MEMORY && equalAddress(server, alternate.server),
    )
    if (isLoop || this.#tried.length > this.#limits.alternates) {
      return this.#end({ reason: "redirection-loop", code: 300 }, out)
    }
    this.#letGo(out)
    this.#state = "idle"
    out.tell({ type: "try-alternate", ...alternate })
  }

  #remember(server: Address, now: number): void {
    this.#tried = this.#tried.filter(
      each => now - each.at < REDIRECTION_MEMORY && !equalAddress(each.server, server),
    )
    // One more than may be followed is enough to know that there were too many.
    if (this.#tried.length > this.#limits.alternates) this.#tried.shift()
    this.#tried.push({ server, at: now })
  }

  /** What the server has for our address is freed (RFC 8656 §8.1); whatever it answers, the next Allocate shows. */
  #freeForgotten(now: number, out: ClientOut): void {
    this.#mayFree = false
    this.#requests.send(
      Method.refresh,
      writer => writer.uint32(Attribute.lifetime, 0),
      (_outcome, now, out) => {
        if (this.#state === "closing") this.#farewellEnded(out)
        else this.#sendAllocate(now, out)
      },
      now,
      out,
    )
  }

  /** RFC 8656 §7.4: another address of ours may do, but not for ever. */
  #afterMismatch(failure: Failure): Failure {
    if (failure.code !== 437) return failure
    this.#mismatches++
    return this.#mismatches < MISMATCHES ? failure : { ...failure, retryAfter: WAIT_AFTER_MISMATCHES }
  }

  /** Granted in answer to a request first sent at `startedAt`: the server counts from then, or from later. */
  #lives(lifetime: number, startedAt: number, now: number): void {
    const margin = Math.min(REFRESH_MARGIN, (lifetime * 1000) / 3)
    // Clients that came together should not come back together.
    const jitter = ((margin / 2) * this.#random.below(0x10000)) / 0x10000
    this.#expiresAt = startedAt + lifetime * 1000
    this.#refreshAt = Math.max(now + MIN_REFRESH_INTERVAL, this.#expiresAt - margin - jitter)
  }

  #sendRefresh(now: number, out: ClientOut): void {
    this.#refreshAt = Infinity
    const { lifetime } = this.#options
    this.#requests.send(
      Method.refresh,
      writer => {
        if (lifetime !== undefined) writer.uint32(Attribute.lifetime, lifetime)
      },
      (outcome, now, out) => this.#refreshEnded(outcome, now, out),
      now,
      out,
    )
  }

  #refreshEnded(outcome: Outcome, now: number, out: ClientOut): void {
    if (outcome.type === "success") {
      const lifetime = outcome.message.uint32(Attribute.lifetime)
      if (lifetime < 1) this.#end({ reason: "unreadable" }, out)
      else this.#lives(lifetime, outcome.startedAt, now)
      return
    }
    const { failure } = outcome
    if (failure.code === 437) this.#renew(failure, now, out)
    else if (isTransient(failure)) this.#refreshAt = now + RETRY_INTERVAL
    else this.#end(failure, out)
  }

  #askForPermissions(now: number, out: ClientOut): void {
    while (this.#requests.hasRoom) {
      const due = this.#permissions.takeDue(now, PEERS_PER_REQUEST)
      if (due.length === 0) return
      this.#requests.send(
        Method.createPermission,
        writer => {
          for (const { ip } of due) writer.xorAddress(Attribute.xorPeerAddress, ip, 0)
        },
        (outcome, now, out) => this.#createPermissionEnded(due, outcome, now, out),
        now,
        out,
      )
    }
  }

  #createPermissionEnded(asked: readonly Permission[], outcome: Outcome, now: number, out: ClientOut): void {
    if (outcome.type === "success") {
      const news = asked.filter(each => !each.isLive(now) && this.#permissions.of(each.ip) === each)
      for (const permission of asked) permission.installed(outcome.startedAt)
      if (news.length > 0) out.tell({ type: "permitted", peers: news.map(({ ip }) => ip) })
      return
    }
    const { failure } = outcome
    if (failure.code === 437) return this.#renew(failure, now, out)
    if (isTransient(failure)) {
      for (const permission of asked) permission.dueAt = now + RETRY_INTERVAL
    } else if (asked.length > 1) {
      // One forbidden peer has all of them refused (RFC 8656 §10.2): each is asked for by itself.
      for (const permission of asked) permission.askAlone(now)
    } else {
      this.#refusePermission(asked[0]!, failure, out)
    }
  }

  #refusePermission(permission: Permission, failure: Failure, out: ClientOut): void {
    if (this.#permissions.of(permission.ip) !== permission) return
    this.#permissions.remove(permission)
    out.tell({ type: "permission-refused", peer: permission.ip, failure })
  }

  #sendChannelBind(channel: ClientChannel, now: number, out: ClientOut): void {
    channel.asked(now)
    const { number, peer } = channel
    this.#requests.send(
      Method.channelBind,
      writer => {
        writer.channelNumber(number)
        writer.xorAddress(Attribute.xorPeerAddress, peer.ip, peer.port)
      },
      (outcome, now, out) => this.#channelBindEnded(channel, outcome, now, out),
      now,
      out,
    )
  }

  #channelBindEnded(channel: ClientChannel, outcome: Outcome, now: number, out: ClientOut): void {
    const { number, peer, isWanted } = channel
    if (outcome.type === "success") {
      const isNews = isWanted && !channel.isBound(now)
      channel.bound(outcome.startedAt, now)
      if (isNews) out.tell({ type: "channel-bound", peer, channel: number })
      return
    }
    const { failure } = outcome
    if (failure.code === 437) return this.#renew(failure, now, out)
    if (!isWanted) return
    if (isTransient(failure)) channel.dueAt = now + RETRY_INTERVAL
    else {
      channel.drop(now)
      this.#refuseChannel(peer, failure, out)
    }
  }

  #refuseChannel({ ip, port }: Address, failure: Failure, out: ClientOut): void {
    out.tell({ type: "channel-refused", peer: { ip: ip.slice(), port }, failure })
  }

  /** The server knows nothing of our allocation (437), perhaps because it began anew: we do too. */
  #renew(failure: Failure, now: number, out: ClientOut): void {
    if (now - this.#allocatedAt < MIN_RENEWAL_INTERVAL) return this.#end(failure, out)
    this.#requests.forget()
    out.tell({ type: "lost", failure, isRenewed: true })
    this.#sendAllocate(now, out)
  }

  #sendFarewell(now: number, out: ClientOut): void {
    this.#state = "closing"
    this.#requests.forget()
    this.#requests.send(
      Method.refresh,
      writer => writer.uint32(Attribute.lifetime, 0),
      // Whatever the answer: 437 is as good as success (RFC 8656 §8.3), and no answer is the server's affair.
      (_outcome, _now, out) => this.#farewellEnded(out),
      now,
      out,
    )
  }

  #farewellEnded(out: ClientOut): void {
    this.#letGo(out)
    this.#state = this.#afterFarewell.type === "closed" ? "closed" : "idle"
    out.tell(this.#afterFarewell)
  }

  /** There is no allocation any more, or none came. */
  #end(failure: Failure, out: ClientOut): void {
    if (this.#state === "idle" || this.#state === "closed") return
    if (this.#state === "closing") return this.#farewellEnded(out)
    const wasAllocated = this.#state === "allocated"
    this.#letGo(out)
    this.#state = "idle"
    if (wasAllocated) out.tell({ type: "lost", failure, isRenewed: false })
    else out.tell({ type: "failed", failure })
  }

  #letGo(out: ClientOut): void {
    this.#requests.forget()
    if (this.#server !== NO_PATH) out.paths.release(this.#server)
    this.#server = NO_PATH
  }
}

/** Whether the same request may succeed another time, soon. */
function isTransient({ reason }: Failure): boolean {
  return reason === "timeout" || reason === "integrity-violated" || reason === "server-error"
}
