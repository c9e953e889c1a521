import assert from "node:assert/strict"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import { type Address, parseIp } from "../../bytes/index.ts"
import {
  type Datagram,
  type Evidence,
  HEADROOM,
  type Machine,
  type Out,
  type Path,
  PathTable,
  type Request,
  type Socket,
  TAILROOM,
} from "../../contract/index.ts"
import type { Crypto } from "../../crypto/index.ts"

const SLAB = 65_536 + HEADROOM + TAILROOM
/** The first port that is given to who binds any. */
const FIRST_PORT = 40_000
/** A machine that wants to be looked at so often within a ms does nothing else. */
const TICKS_A_MS = 100

export interface Sent {
  readonly socket: Socket
  readonly to: Address
  readonly bytes: Uint8Array
  readonly at: number
}

export function address(text: string): Address {
  const colon = text.lastIndexOf(":")
  const ip = parseIp(text.slice(0, colon).replace(/[[\]]/g, ""))
  assert.ok(ip, text)
  return { ip, port: Number(text.slice(colon + 1)) }
}

/** Random bytes that are a function of the seed; real hashes. */
export function seededCrypto(seed: number): Crypto {
  let state = seed >>> 0
  return {
    ...nodeCrypto,
    random(into) {
      for (let i = 0; i < into.length; i++) {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
        into[i] = state >>> 24
      }
    },
  }
}

/** The intern table, counting what is held. */
class CountingPaths extends PathTable {
  held = 0
  override hold(path: Path): void {
    super.hold(path)
    this.held++
  }
  override release(path: Path): void {
    super.release(path)
    this.held--
  }
}

/** One machine and its driver, on a clock that the test moves. What it sends goes nowhere but into `sent`. */
export class Wire<Event> {
  now = 1_000
  readonly machine: Machine<Event>
  readonly paths: CountingPaths = new CountingPaths(4096)
  readonly events: Event[] = []
  readonly evidence: Evidence[] = []
  readonly sent: Sent[] = []
  /** The open ones, streams too, and where they are bound. */
  readonly sockets: Map<Socket, Address> = new Map<Socket, Address>()
  /** Asked for, and not answered yet: connections always, the rest while `binds` is "held". */
  readonly asked: Request[] = []
  binds: "at-once" | "held" = "at-once"
  readonly out: Out<Event>
  readonly #due: Request[] = []
  readonly #slab = new Uint8Array(SLAB)
  #lastSocket = 0

  constructor(machine: Machine<Event>) {
    this.machine = machine
    this.out = this.#makeOut()
  }

  /** A socket of the machine's owner. */
  open(local: Address): Socket {
    const socket = ++this.#lastSocket
    this.sockets.set(socket, local)
    return socket
  }

  command<T>(give: (now: number, out: Out<Event>) => T): T {
    const result = give(this.now, this.out)
    this.#answerDue()
    return result
  }

  /** Moves the clock, ticking whenever the machine asked for it. */
  advance(ms: number): void {
    const end = this.now + ms
    let ticks = 0
    while (this.machine.nextTick <= end) {
      if (this.machine.nextTick > this.now) ticks = 0
      this.now = Math.max(this.now, this.machine.nextTick)
      this.command((now, out) => this.machine.tick(now, out))
      assert.ok(++ticks < TICKS_A_MS, `it wants to be looked at for ever at ${this.now}`)
    }
    this.now = end
  }

  /** A datagram arrives. Returns what the machine sent in answer. */
  deliver(socket: Socket, from: Address, bytes: Uint8Array): Sent[] {
    const before = this.sent.length
    this.#slab.fill(0xaa, 0, bytes.length + HEADROOM + TAILROOM)
    this.#slab.set(bytes, HEADROOM)
    const d: Datagram = {
      bytes: this.#slab,
      view: new DataView(this.#slab.buffer),
      offset: HEADROOM,
      length: bytes.length,
      path: this.paths.open(socket, from),
      ecn: 0,
    }
    this.command((now, out) => this.machine.receive(d, now, out))
    return this.sent.slice(before)
  }

  /** Answers what was held back. */
  answerHeld(): void {
    this.#due.push(...this.asked.splice(0))
    this.#answerDue()
  }

  /** Somebody connects to the socket that listens as `id`. Returns the stream's socket. */
  accept(id: number, remote: Address): Socket {
    const socket = this.open(remote)
    this.paths.carry(socket, "tcp")
    const path = this.paths.open(socket, remote)
    this.command((now, out) => this.machine.reply({ type: "accepted", id, path }, now, out))
    return socket
  }

  /** The far end closes a stream. */
  end(socket: Socket): void {
    const path = this.paths.open(socket, this.sockets.get(socket)!)
    this.sockets.delete(socket)
    this.command((now, out) => this.machine.closed?.(path, now, out))
  }

  #answerDue(): void {
    for (let request = this.#due.shift(); request !== undefined; request = this.#due.shift())
      this.#answer(request)
  }

  #answer(request: Request): void {
    if (request.type !== "bind" && request.type !== "listen" && request.type !== "connect") return
    const { id, ip, family } = request
    const port = request.port || FIRST_PORT + this.#lastSocket
    const local = { ip: ip ?? new Uint8Array(family === 4 ? 4 : 16), port }
    if (request.type === "connect") {
      const socket = this.open(request.remote)
      this.paths.carry(socket, request.transport)
      const path = this.paths.open(socket, request.remote)
      return this.machine.reply({ type: "connected", id, path, local }, this.now, this.out)
    }
    const type = request.type === "bind" ? "bound" : "listening"
    this.machine.reply({ type, id, socket: this.open(local), local }, this.now, this.out)
  }

  #ask(request: Request): void {
    if (request.type === "close") {
      assert.ok(this.sockets.delete(request.socket), `close of socket ${request.socket}, which is not open`)
    } else if (this.binds === "held" || request.type === "connect") this.asked.push(request)
    else this.#due.push(request)
  }

  #makeOut(): Out<Event> {
    const slab = new Uint8Array(4096)
    let reservedFor: Path | undefined
    return {
      paths: this.paths,
      bytes: slab,
      view: new DataView(slab.buffer),
      reserve: (path, max) => {
        assert.ok(max <= slab.length)
        reservedFor = path
        return 8
      },
      commit: length => {
        assert.ok(reservedFor !== undefined, "commit without reserve")
        const socket = this.paths.socket(reservedFor)
        assert.ok(this.sockets.has(socket), "sent on a socket that is closed")
        const to = this.paths.remote(reservedFor)
        reservedFor = undefined
        if (length > 0) this.sent.push({ socket, to, bytes: slab.slice(8, 8 + length), at: this.now })
      },
      forward: () => assert.fail("nothing is forwarded"),
      ask: request => this.#ask(request),
      tell: event => this.events.push(event),
      note: evidence => this.evidence.push(evidence),
    }
  }
}
