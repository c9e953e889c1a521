import { createHash } from "node:crypto"
import type { Hmac } from "@tightbeam/webrtc/crypto"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import {
  Attribute,
  MessageClass,
  Method,
  readErrorCode,
  StunMessage,
  StunWriter,
  TRANSPORT_UDP,
} from "@tightbeam/webrtc/stun"
import type { ReceiveBatch, SendQueue, UdpSockets } from "../packages/webrtc/src/native/index.ts"
import { LOOPBACK, loadSockets, nextClientIp, openAt } from "./sockets.ts"
import type { TurnTarget, User } from "./target.ts"

/** Under way at the same time. */
const LANES = 40

/** After so long without an answer another client begins in its place, ms. */
const PATIENCE = 1000

/** Of the longest request. */
const REQUEST = 512
const BUFFERS = 64 << 10

/** One client on its way: it asks, is told to sign, signs, and frees again what it got. */
interface Lane {
  /** Of the socket, or -1: nobody is on this lane. */
  fd: number
  asked: "unsigned" | "allocate" | "free"
  askedAt: number
  user: User
  nonce: Uint8Array
}

/**
 * Clients that allocate as fast as a server answers, each on a socket of its own. A method blocks the thread until all
 * of its clients are through.
 */
export class AllocateLoad {
  readonly #target: TurnTarget
  readonly #sockets: UdpSockets
  readonly #batch: ReceiveBatch
  readonly #queue: SendQueue
  readonly #memory: ReturnType<UdpSockets["memory"]>
  readonly #ready: ReturnType<UdpSockets["readiness"]>
  readonly #lanes: readonly Lane[]
  readonly #laneOf = new Map<number, Lane>()
  readonly #keys = new Map<User, Hmac>()
  #realm = ""
  readonly #writer = new StunWriter()
  readonly #answer = new StunMessage()
  readonly #id = new Uint8Array(12)
  readonly #held: number[] = []
  #begun = 0
  #unanswered = 0

  constructor(target: TurnTarget) {
    this.#target = target
    this.#sockets = loadSockets()
    this.#batch = this.#sockets.receiveBatch(4, { head: 64, tail: 64 })
    const counters = { sent: 0, sentBytes: 0, sendDropped: 0, sendErrors: 0 }
    this.#queue = this.#sockets.sendQueue(LANES, LANES, counters)
    this.#memory = this.#sockets.memory(LANES * REQUEST)
    this.#ready = this.#sockets.readiness(LANES)
    const user = target.users[0]!
    const nonce = new Uint8Array(0)
    this.#lanes = Array.from({ length: LANES }, () => ({
      fd: -1,
      asked: "unsigned",
      askedAt: 0,
      user,
      nonce,
    }))
  }

  /** Clients that got no answer, so far. */
  get unanswered(): number {
    return this.#unanswered
  }

  /** Allocates and frees again for so long; returns how often. */
  cycles(seconds: number): number {
    const end = performance.now() + seconds * 1000
    return this.#run(() => performance.now() < end, false)
  }

  /** Allocates so often, and keeps it; returns how many there are. */
  hold(count: number): number {
    const end = this.#begun + count
    return this.#run(() => this.#begun < end, true)
  }

  /** What is held ends with the server, or its lifetime. */
  close(): void {
    for (const fd of this.#held) this.#sockets.close(fd)
    this.#ready.close()
  }

  #run(goesOn: () => boolean, keep: boolean): number {
    let done = 0
    const next = (lane: Lane): void => {
      if (lane.fd >= 0) this.#leave(lane, false)
      if (goesOn()) this.#enter(lane)
    }
    for (const lane of this.#lanes) next(lane)
    while (this.#laneOf.size > 0) {
      this.#queue.flush()
      const count = this.#ready.wait(10)
      for (let i = 0; i < count; i++) {
        const lane = this.#laneOf.get(this.#ready.ready(i))
        if (lane === undefined || this.#batch.receive(lane.fd, 0) === 0) continue
        const step = this.#proceeds(lane, keep)
        if (step === "asked") continue
        if (step === "done") {
          done++
          if (keep) this.#leave(lane, true)
        }
        next(lane)
      }
      const late = performance.now() - PATIENCE
      for (const lane of this.#lanes) {
        if (lane.fd < 0 || lane.askedAt > late) continue
        this.#unanswered++
        next(lane)
      }
    }
    return done
  }

  #enter(lane: Lane): void {
    const { users } = this.#target
    lane.user = users[this.#begun++ % users.length]!
    lane.fd = openAt(this.#sockets, nextClientIp(), BUFFERS).fd
    this.#laneOf.set(lane.fd, lane)
    this.#ready.add(lane.fd)
    this.#ask(lane, "unsigned")
  }

  #leave(lane: Lane, isHeld: boolean): void {
    this.#laneOf.delete(lane.fd)
    this.#ready.remove(lane.fd)
    if (isHeld) this.#held.push(lane.fd)
    else this.#sockets.close(lane.fd)
    lane.fd = -1
  }

  /** Takes the answer that was received, and asks the next. */
  #proceeds(lane: Lane, keep: boolean): "asked" | "done" | "taken" {
    const answer = this.#answer
    const offset = this.#batch.offset(0)
    if (answer.parse(this.#batch.memory.bytes, offset, this.#batch.length(0)) !== undefined)
      throw new Error(`${this.#target.name} sent what is no STUN.`)
    const code = readErrorCode(answer)?.code
    // Somebody had this address and port before, whom the server still knows: another one then (RFC 8656 §7.4).
    if (code === 437) return "taken"
    if (lane.asked === "unsigned") {
      this.#realm = Buffer.from(answer.value(Attribute.realm)!).toString()
      lane.nonce = answer.value(Attribute.nonce)!.slice()
      this.#ask(lane, "allocate")
      return "asked"
    }
    if (answer.class !== MessageClass.success)
      throw new Error(`${this.#target.name} refused to ${lane.asked}: ${code}.`)
    if (lane.asked === "free" || keep) return "done"
    this.#ask(lane, "free")
    return "asked"
  }

  #ask(lane: Lane, what: Lane["asked"]): void {
    const index = this.#lanes.indexOf(lane)
    const { bytes } = this.#memory
    const at = index * REQUEST
    // Which transaction it is nobody here cares about: one is under way on a socket.
    new DataView(this.#id.buffer).setFloat64(0, performance.now())
    const writer = this.#writer
    const method = what === "free" ? Method.refresh : Method.allocate
    writer.begin(bytes, at, REQUEST, MessageClass.request, method, this.#id)
    if (what === "free") writer.uint32(Attribute.lifetime, 0)
    else writer.requestedTransport(TRANSPORT_UDP)
    if (what !== "unsigned") this.#sign(lane)
    const { port } = this.#target
    const length = writer.end()
    this.#queue.add(index, { fd: lane.fd, family: 4, ip: LOOPBACK, port }, this.#memory, at, length)
    lane.asked = what
    lane.askedAt = performance.now()
  }

  /** RFC 8489 §9.2.3. */
  #sign({ user, nonce }: Lane): void {
    const { username, password } = user
    let key = this.#keys.get(user)
    if (key === undefined) {
      const text = `${username}:${this.#realm}:${password}`
      key = nodeCrypto.hmac("sha1", createHash("md5").update(text).digest())
      this.#keys.set(user, key)
    }
    this.#writer.text(Attribute.username, username)
    this.#writer.text(Attribute.realm, this.#realm)
    this.#writer.attribute(Attribute.nonce, nonce)
    this.#writer.messageIntegrity(key)
  }
}
