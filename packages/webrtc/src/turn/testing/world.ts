import assert from "node:assert/strict"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import { type Address, parseIp } from "../../bytes/index.ts"
import {
  type Datagram,
  type Evidence,
  HEADROOM,
  type Out,
  type Path,
  PathTable,
  type Request,
  type Socket,
  type SocketFailure,
  TAILROOM,
} from "../../contract/index.ts"
import type { Crypto } from "../../crypto/index.ts"
import { type TurnEvent, TurnServer, type TurnServerOptions } from "../index.ts"

/** What a machine reads here it was never sent, and what it sends of it leaks. */
export const POISON = 0xaa

const SLAB = 65_536 + HEADROOM + TAILROOM

/** The listener: the socket that no machine asked for. */
export const LISTENER: Socket = 0
/** The listeners of a server with a second address: the first is `LISTENER`. */
export const LISTENERS: readonly Socket[] = [LISTENER, 1_000_001, 1_000_002, 1_000_003]

type Asked<Type extends Request["type"]> = Extract<Request, { type: Type }>

/** The first of the streams that `openStream` makes. */
const FIRST_STREAM: Socket = 2_000_000

/** A client's connection, once `paths.carry` says so. */
export const STREAM: Socket = 1_000_009

export const SECRET: Uint8Array = new TextEncoder().encode("a secret of the tests")

/** 2026-11-01T00:00:00Z: what `now` 0 is. */
export const EPOCH = 1_793_491_200_000

export interface Sent {
  readonly socket: Socket
  readonly to: Address
  readonly bytes: Uint8Array
  /** With the DF bit. */
  readonly unfragmented?: true
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

export const DEFAULTS: TurnServerOptions = {
  crypto: nodeCrypto,
  epoch: EPOCH,
  realm: "test",
  secrets: [SECRET],
  relayedAddress: { v4: parseIp("5.5.5.5")!, v6: parseIp("2a00::5")! },
  relayPorts: { min: 50_000, max: 50_999 },
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

function isOfClients(socket: Socket): boolean {
  return LISTENERS.includes(socket) || socket === STREAM
}

interface RelaySocket {
  readonly family: 4 | 6
  readonly port: number
  /** Of one that listens: what it was asked for as. */
  readonly listensAs?: number
}

/** One TURN server, its driver and everybody it talks to, on a clock that the test moves. */
export class World {
  now = 0
  readonly server: TurnServer
  readonly paths: CountingPaths
  readonly events: TurnEvent[] = []
  readonly evidence: Evidence[] = []
  readonly sent: Sent[] = []
  readonly asked: Request[] = []
  /** The open relay sockets, and their ports. */
  readonly sockets: Map<Socket, RelaySocket> = new Map<Socket, RelaySocket>()
  /** The streams that are open, and not those of clients that have `STREAM`. */
  readonly streams: Set<Socket> = new Set<Socket>()
  /** Asked for, and not answered yet. */
  readonly connects: Asked<"connect">[] = []
  readonly joins: Asked<"join">[] = []
  #lastStream = FIRST_STREAM
  /** Ports that somebody else has. */
  readonly occupied: Set<number> = new Set<number>()
  /** Whether binds are answered at once. */
  binds: "at-once" | "held" = "at-once"
  refuseBinds = false
  readonly #slab = new Uint8Array(SLAB)
  readonly #datagram: Datagram
  readonly #out: Out<TurnEvent>

  /** `setsDf`: whether its driver can set the DF bit. */
  constructor(options: Partial<TurnServerOptions> = {}, pathCapacity = 4096, setsDf = false) {
    this.server = new TurnServer({ ...DEFAULTS, ...options })
    this.paths = new CountingPaths(pathCapacity)
    const view = new DataView(this.#slab.buffer)
    this.#datagram = { bytes: this.#slab, view, offset: HEADROOM, length: 0, path: 0, ecn: 0 }
    const out = this.#makeOut()
    this.#out = setsDf ? { ...out, forwardUnfragmented: this.#forwardUnfragmented } : out
  }

  /** Moves the clock, ticking whenever the server asked for it. */
  advance(ms: number): void {
    const end = this.now + ms
    while (this.server.nextTick <= end) {
      this.now = Math.max(this.now, this.server.nextTick)
      this.server.tick(this.now, this.#out)
      assert.ok(this.server.nextTick > this.now, "a tick that leaves something due")
    }
    this.now = end
  }

  /** A datagram reaches the server. Returns what it sent in answer. */
  deliver(socket: Socket, from: Address, bytes: Uint8Array): Sent[] {
    this.#slab.fill(POISON, 0, bytes.length + HEADROOM + TAILROOM)
    this.#slab.set(bytes, HEADROOM)
    const d = this.#datagram
    d.offset = HEADROOM
    d.length = bytes.length
    d.path = this.paths.open(socket, from)
    return this.#during(() => this.server.receive(d, this.now, this.#out))
  }

  /** A client's connection ended. */
  lose(client: Address, socket: Socket = LISTENER): Sent[] {
    return this.#during(() => this.server.closed(this.paths.open(socket, client), this.now, this.#out))
  }

  /** A connection of a client's own: the socket that it is. */
  openStream(transport: "tcp" | "tls" = "tcp"): Socket {
    const socket = this.#lastStream++
    this.streams.add(socket)
    this.paths.carry(socket, transport)
    return socket
  }

  /** The oldest `connect` that was asked for came about. */
  connected(): Sent[] {
    const { id, remote, port = 0 } = this.connects.shift()!
    const path = this.paths.open(this.openStream(), remote)
    const local = { ip: new Uint8Array(remote.ip.length), port }
    return this.#during(() => this.server.reply({ type: "connected", id, path, local }, this.now, this.#out))
  }

  /** … or did not. */
  unconnected(reason: SocketFailure): Sent[] {
    const { id } = this.connects.shift()!
    return this.#during(() => this.server.reply({ type: "failed", id, reason }, this.now, this.#out))
  }

  /** A peer connects to a relayed port. Returns what the server sends, and the stream's socket. */
  connectFrom(peer: Address, port: number): { sent: Sent[]; socket: Socket } {
    const id = this.sockets.get(this.socketOn(port))!.listensAs!
    const socket = this.openStream()
    const path = this.paths.open(socket, peer)
    const reply = { type: "accepted", id, path } as const
    return { sent: this.#during(() => this.server.reply(reply, this.now, this.#out)), socket }
  }

  /** A stream ended, by the far end's doing. */
  endStream(path: Path): void {
    this.streams.delete(this.paths.socket(path))
    this.server.closed(path, this.now, this.#out)
  }

  /** Takes back what a user has; their credentials are refused for `ms`. */
  revoke(user: string, ms: number): Sent[] {
    return this.#during(() => this.server.revoke(user, this.now + ms, this.now, this.#out))
  }

  close(): Sent[] {
    return this.#during(() => this.server.close(this.now, this.#out))
  }

  /** Answers the binds that were held back. */
  answerBinds(): Sent[] {
    return this.#during(() => {
      for (const request of this.asked.splice(0)) this.#answer(request)
    })
  }

  /** The relay socket on a port. */
  socketOn(port: number): Socket {
    for (const [socket, bound] of this.sockets) if (bound.port === port) return socket
    throw new Error(`no relay socket on ${port}`)
  }

  #during(act: () => void): Sent[] {
    const before = this.sent.length
    act()
    return this.sent.slice(before)
  }

  #answer(request: Request): void {
    if (request.type === "connect") return void this.connects.push(request)
    if (request.type === "join") return void this.joins.push(request)
    if (request.type === "abandon") {
      const at = this.connects.findIndex(({ id }) => id === request.id)
      assert.ok(at >= 0, `abandon of ${request.id}, which is not under way`)
      this.connects.splice(at, 1)
      return
    }
    if (request.type === "close") {
      if (this.streams.delete(request.socket)) {
        // To close one that is joined is to close both.
        const isOne = (path: Path): boolean => this.paths.socket(path) === request.socket
        for (const { paths } of this.joins)
          if (paths.some(isOne)) for (const path of paths) this.streams.delete(this.paths.socket(path))
        return
      }
      assert.ok(this.sockets.delete(request.socket), `close of socket ${request.socket}, which is not open`)
      return
    }
    const { id, family, port } = request
    const isTaken =
      this.occupied.has(port) ||
      [...this.sockets.values()].some(bound => bound.port === port && bound.family === family)
    if (this.refuseBinds || isTaken) {
      const reason = this.refuseBinds ? "refused" : "in-use"
      this.server.reply({ type: "failed", id, reason }, this.now, this.#out)
      return
    }
    let socket = LISTENER + 1
    while (this.sockets.has(socket)) socket++
    this.sockets.set(socket, { family, port, ...(request.type === "listen" && { listensAs: id }) })
    const local = { ip: new Uint8Array(family === 4 ? 4 : 16), port }
    const type = request.type === "bind" ? "bound" : "listening"
    this.server.reply({ type, id, socket, local }, this.now, this.#out)
  }

  readonly #forwardUnfragmented: Out<TurnEvent>["forward"] = (d, skip, length, path) => {
    this.#out.forward(d, skip, length, path)
    this.sent.push({ ...this.sent.pop()!, unfragmented: true })
  }

  #makeOut(): Out<TurnEvent> {
    const slab = new Uint8Array(4096)
    let reservedFor: Path | undefined
    const send = (path: Path, bytes: Uint8Array) => {
      const socket = this.paths.socket(path)
      const isOpen = isOfClients(socket) || this.sockets.has(socket) || this.streams.has(socket)
      assert.ok(isOpen, "sent on a socket that is closed")
      this.sent.push({ socket, to: this.paths.remote(path), bytes })
    }
    return {
      paths: this.paths,
      bytes: slab,
      view: new DataView(slab.buffer),
      reserve: (path, max) => {
        assert.ok(max <= slab.length)
        slab.fill(POISON)
        reservedFor = path
        return 8
      },
      commit: length => {
        assert.ok(reservedFor !== undefined, "commit without reserve")
        if (length > 0) send(reservedFor, slab.slice(8, 8 + length))
        reservedFor = undefined
      },
      forward: (d, skip, length, path) => {
        assert.ok(skip >= -HEADROOM && length >= 0 && skip + length <= d.length + TAILROOM)
        send(path, d.bytes.slice(d.offset + skip, d.offset + skip + length))
      },
      ask: request => {
        const isBind = request.type === "bind" || request.type === "listen"
        if (isBind && this.binds === "held") this.asked.push(request)
        else this.#answer(request)
      },
      tell: event => this.events.push(event),
      note: evidence => this.evidence.push(evidence),
    }
  }
}
