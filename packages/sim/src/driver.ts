import type { Address } from "@tightbeam/webrtc/bytes"
import {
  type Datagram,
  type Evidence,
  type Framing,
  HEADROOM,
  type Machine,
  NO_PATH,
  type Out,
  type Path,
  PathTable,
  type Reply,
  type Request,
  type Socket,
  type SocketFailure,
  TAILROOM,
} from "@tightbeam/webrtc/contract"
import { FrameReader } from "./frame-reader.ts"
import type { Host } from "./host.ts"
import { Joined } from "./joined.ts"
import { POISON, type Simulation, SLAB } from "./simulation.ts"
import type { TcpConnection } from "./tcp-connection.ts"

export interface DriverOptions<Event> {
  /** What the machine tells its owner, after what it sent has left. Commands may be given from here. */
  readonly onEvent?: (event: Event, now: number) => void
}

/** A socket of the machine: of UDP, a listening one of TCP, or one TCP connection. */
type Carrier =
  | { readonly local: Address; readonly connection?: undefined; readonly listens?: true }
  | StreamCarrier

interface StreamCarrier {
  readonly connection: TcpConnection
  readonly path: Path
  readonly framing: Framing | undefined
  readonly reader: FrameReader | undefined
  joined?: Joined
}

/** How long a connection may take that a machine opens, ms: as in `net`. */
const CONNECT = 30_000

/** Strangers may be many, but a run is small. */
const PATHS = 1024

/** What crossed a driver's sockets. Bytes are those of UDP datagrams, without the headers of UDP and IP. */
export interface Traffic {
  packetsIn: number
  bytesIn: number
  packetsOut: number
  bytesOut: number
}

/** Runs one machine on the sockets of one simulated host, as `net` does on real ones. */
export class Driver<Event> {
  /** All that it told, `onEvent` or not. */
  readonly events: Event[] = []
  readonly evidence: Evidence[] = []
  readonly machine: Machine<Event>
  readonly paths: PathTable = new PathTable(PATHS)
  readonly traffic: Traffic = { packetsIn: 0, bytesIn: 0, packetsOut: 0, bytesOut: 0 }
  readonly #host: Host
  readonly #onEvent: ((event: Event, now: number) => void) | undefined
  readonly #carriers: (Carrier | undefined)[] = []
  /** Connections that machines asked for, by the id. */
  readonly #connecting = new Map<number, TcpConnection>()
  readonly #datagram: Datagram
  readonly #out: SimOut<Event>
  #told = 0
  #telling = false
  #cancelTick: () => void = () => {}
  #tickAt = Number.POSITIVE_INFINITY

  constructor(host: Host, machine: Machine<Event>, { onEvent }: DriverOptions<Event> = {}) {
    this.#host = host
    this.machine = machine
    this.#onEvent = onEvent
    const { received } = host.simulation
    this.#datagram = {
      bytes: received,
      view: new DataView(received.buffer),
      offset: HEADROOM,
      length: 0,
      path: NO_PATH,
      ecn: 0,
    }
    this.#out = new SimOut(this.paths, this.events, this.evidence, host.simulation, {
      send: (bytes, path) => this.#send(bytes, path),
    })
  }

  /**
   * Opens a UDP socket for the machine on an address of the host, or on its first one of a family; port 0 takes any
   * that is free. Throws when the port is taken, or the address not there.
   */
  listen(port: number, on: 4 | 6 | Uint8Array = 4): Socket {
    const socket = this.#bind(port, on)
    if (socket === undefined)
      throw new Error(`listen(${port}): the port is taken, or the host has no such address`)
    return socket
  }

  /** Where a UDP socket is bound; `undefined` once it is closed. */
  local(socket: Socket): Address | undefined {
    const carrier = this.#carriers[socket]
    return carrier?.connection === undefined ? carrier?.local : undefined
  }

  /**
   * Gives the machine a TCP connection that is open. Its frames arrive as datagrams of a path of its own, and what is
   * sent to that path leaves on it. The path is the stream's for as long as it lives. Without `framing` nothing is read
   * from it until it is joined.
   */
  accept(connection: TcpConnection, transport: "tcp" | "tls", framing: Framing | undefined): Path {
    const socket = this.#free()
    this.paths.carry(socket, transport)
    const path = this.paths.open(socket, connection.remote)
    if (path === NO_PATH) {
      connection.close()
      return NO_PATH
    }
    this.paths.hold(path)
    const reader = framing && new FrameReader(framing)
    const carrier: StreamCarrier = { connection, path, framing, reader }
    this.#carriers[socket] = carrier
    connection.handlers = {
      data: bytes => {
        if (carrier.joined !== undefined) return carrier.joined.carry(carrier, bytes)
        const isSound = reader?.read(bytes, frame => {
          this.#hand(frame, path)
          // The machine may have closed or joined it at this frame.
          return this.#carriers[socket] === carrier && carrier.joined === undefined
        })
        if (isSound === false) connection.close()
        else this.#carryRest(carrier)
      },
      left: () => carrier.joined?.regulate(),
      closed: () => this.#lost(socket, path),
    }
    if (framing === undefined) connection.pause()
    return path
  }

  #carryRest(carrier: StreamCarrier): void {
    if (carrier.joined !== undefined && carrier.reader !== undefined)
      carrier.joined.carry(carrier, carrier.reader.takeRest())
  }

  /** Runs a command of the machine, sends what it says, and returns what `act` returned. */
  command<T>(act: (now: number, out: Out<Event>) => T): T {
    const result = act(this.#host.schedule.now, this.#out)
    this.#settle()
    return result
  }

  #free(): Socket {
    const socket = this.#carriers.indexOf(undefined)
    return socket === -1 ? this.#carriers.length : socket
  }

  #bind(port: number, on: 4 | 6 | Uint8Array): Socket | undefined {
    const ip = this.#addressOn(on)
    if (ip === undefined) return undefined
    const socket = this.#free()
    const bound = this.#host.bind(port, (bytes, from) => this.#receive(socket, bytes, from), ip)
    if (bound === undefined) return undefined
    this.#carriers[socket] = { local: { ip, port: bound } }
    return socket
  }

  #addressOn(on: 4 | 6 | Uint8Array): Uint8Array | undefined {
    if (typeof on !== "number") return on
    return this.#host.ips.find(({ length }) => length === (on === 4 ? 4 : 16))
  }

  #receive(socket: Socket, bytes: Uint8Array, from: Address): void {
    this.traffic.packetsIn++
    this.traffic.bytesIn += bytes.length
    const path = this.paths.open(socket, from)
    if (path !== NO_PATH) this.#hand(bytes, path)
  }

  #hand(bytes: Uint8Array, path: Path): void {
    const d = this.#datagram
    d.bytes.set(bytes, HEADROOM)
    d.offset = HEADROOM
    d.length = bytes.length
    d.path = path
    this.machine.receive(d, this.#host.schedule.now, this.#out)
    this.#out.flush()
    // Whoever kept a reference reads poison from now on.
    d.bytes.fill(POISON, 0, HEADROOM + bytes.length + TAILROOM)
    this.#settle()
  }

  #lost(socket: Socket, path: Path): void {
    const carrier = this.#carriers[socket]
    if (carrier?.connection === undefined) return
    this.#carriers[socket] = undefined
    this.machine.closed?.(path, this.#host.schedule.now, this.#out)
    while (this.paths.holds(path) > 0) this.paths.release(path)
    this.paths.carry(socket, "udp")
    this.#settle()
    // As one ends so does the other, which is told by the same way.
    carrier.joined?.otherOf(carrier).connection.close()
  }

  #send(bytes: Uint8Array, path: Path): void {
    const carrier = this.#carriers[this.paths.socket(path)]
    if (carrier === undefined) return
    if (carrier.connection === undefined) {
      this.traffic.packetsOut++
      this.traffic.bytesOut += bytes.length
      return this.#host.send(carrier.local, this.paths.remote(path), bytes)
    }
    const padded = new Uint8Array(carrier.framing?.lengthOnStream(bytes.length) ?? bytes.length)
    padded.set(bytes)
    carrier.connection.send(padded)
  }

  #answer(request: Request): void {
    switch (request.type) {
      case "close":
        return this.#close(request.socket)
      case "abandon":
        return this.#abandon(request.id)
      case "join":
        return this.#join(request)
      case "connect":
        return this.#connect(request)
      default:
        this.#host.schedule.after(0, () => this.#open(request))
    }
  }

  /** Nothing here is asked for within a call of the machine: each of these is a turn of its own. */
  #reply(reply: Reply): void {
    this.machine.reply(reply, this.#host.schedule.now, this.#out)
    this.#settle()
  }

  #open({ type, id, family, ip, port, ...rest }: Extract<Request, { type: "bind" | "listen" }>): void {
    const framing = "framing" in rest ? rest.framing : undefined
    const on = ip ?? family
    const socket = type === "bind" ? this.#bind(port, on) : this.#listenTcp(id, port, on, framing)
    if (socket === undefined) {
      const own = this.#addressOn(on)
      const isOurs = own !== undefined && this.#host.has(own)
      return this.#reply({ type: "failed", id, reason: isOurs ? "in-use" : "refused" })
    }
    const local = this.local(socket)!
    this.#reply({ type: type === "bind" ? "bound" : "listening", id, socket, local })
  }

  #listenTcp(
    id: number,
    port: number,
    on: 4 | 6 | Uint8Array,
    framing: Framing | undefined,
  ): Socket | undefined {
    const ip = this.#addressOn(on)
    if (ip === undefined) return undefined
    const accepted = (connection: TcpConnection): void => {
      const path = this.accept(connection, "tcp", framing)
      if (path !== NO_PATH) this.#reply({ type: "accepted", id, path })
    }
    const bound = this.#host.listenTcp(port, accepted, ip)
    if (bound === undefined) return undefined
    const socket = this.#free()
    this.#carriers[socket] = { local: { ip, port: bound }, listens: true }
    return socket
  }

  #connect({
    id,
    family,
    ip,
    port = 0,
    remote,
    transport,
    framing,
  }: Extract<Request, { type: "connect" }>): void {
    const { schedule } = this.#host
    const own = this.#addressOn(ip ?? family)
    const failed = (reason: SocketFailure): void => {
      if (this.#connecting.delete(id)) this.#reply({ type: "failed", id, reason })
    }
    const isTaken = own !== undefined && port !== 0 && this.#host.isConnected({ ip: own, port }, remote)
    if (own === undefined || !this.#host.has(own) || isTaken) {
      schedule.after(0, () => this.#reply({ type: "failed", id, reason: isTaken ? "in-use" : "unreachable" }))
      return
    }
    const handlers = {
      opened: (opened: TcpConnection) => {
        if (!this.#connecting.delete(id)) return
        const path = this.accept(opened, transport, framing)
        if (path === NO_PATH) this.#reply({ type: "failed", id, reason: "exhausted" })
        else this.#reply({ type: "connected", id, path, local: opened.local })
      },
      closed: (why: string) => failed(failureOf(why)),
    }
    const connection = this.#host.connectTcp(remote, handlers, { ip: own, port })
    this.#connecting.set(id, connection)
    schedule.after(CONNECT, () => {
      if (this.#connecting.get(id) !== connection) return
      failed("timed-out")
      connection.close()
    })
  }

  #abandon(id: number): void {
    const connection = this.#connecting.get(id)
    this.#connecting.delete(id)
    connection?.close()
  }

  #join({ paths, flow }: Extract<Request, { type: "join" }>): void {
    const [one, other] = paths.map(path => this.#carriers[this.paths.socket(path)])
    if (one?.connection === undefined || other?.connection === undefined || one === other)
      throw new Error(`join: ${paths.join(" and ")} are not two streams`)
    const joined = new Joined(one, other, flow, this.#host.schedule)
    one.joined = joined
    other.joined = joined
    // Of one that is just being read, the rest comes when that is over.
    for (const each of [one, other]) this.#carryRest(each)
    joined.regulate()
  }

  #close(socket: Socket): void {
    const carrier = this.#carriers[socket]
    if (carrier === undefined) return
    this.#carriers[socket] = undefined
    if (carrier.connection === undefined) {
      const { port, ip } = carrier.local
      if (carrier.listens) this.#host.unlistenTcp(port, ip)
      else this.#host.unbind(port, ip)
      return
    }
    this.paths.release(carrier.path)
    this.paths.carry(socket, "udp")
    carrier.connection.close()
    const other = carrier.joined?.otherOf(carrier)
    if (other !== undefined) this.#close(this.paths.socket(other.path))
  }

  /** First what it sent, then what it asked, then what it told; a handler may give commands, whose events the same loop tells. */
  #settle(): void {
    this.#out.flush()
    const { requests } = this.#out
    while (requests.length > 0) this.#answer(requests.shift()!)
    if (this.#onEvent !== undefined && !this.#telling) {
      this.#telling = true
      while (this.#told < this.events.length)
        this.#onEvent(this.events[this.#told++]!, this.#host.schedule.now)
      this.#telling = false
    }
    const at = this.machine.nextTick
    if (at === this.#tickAt) return
    this.#cancelTick()
    this.#tickAt = at
    this.#cancelTick = this.#host.schedule.after(Math.max(0, at - this.#host.schedule.now), () => {
      this.#tickAt = Number.NaN
      this.machine.tick(this.#host.schedule.now, this.#out)
      this.#settle()
    })
  }
}

interface Sink {
  send(bytes: Uint8Array, path: Path): void
}

/** How TCP's word for the end of a connection that never opened is told. */
function failureOf(why: string): SocketFailure {
  return why === "timed-out" || why === "unreachable" ? why : "refused"
}

class SimOut<Event> implements Out<Event> {
  readonly paths: PathTable
  readonly bytes: Uint8Array
  readonly view: DataView
  readonly #events: Event[]
  readonly #evidence: Evidence[]
  readonly #sink: Sink
  readonly requests: Request[] = []
  #reserved: { path: Path; max: number } | undefined
  /** Forwarded bytes are read when the batch is flushed, as a real driver does: a machine that changes them is found out. */
  #batch: { bytes: Uint8Array; path: Path }[] = []

  constructor(paths: PathTable, events: Event[], evidence: Evidence[], { written }: Simulation, sink: Sink) {
    this.paths = paths
    this.bytes = written
    this.view = new DataView(written.buffer)
    this.#events = events
    this.#evidence = evidence
    this.#sink = sink
  }

  reserve(path: Path, max: number): number {
    if (max > SLAB) throw new RangeError(`reserve(path, ${max}): more than a datagram holds`)
    this.bytes.fill(0, 0, max)
    this.#reserved = { path, max }
    return 0
  }

  commit(length: number): void {
    const reserved = this.#reserved
    if (reserved === undefined) throw new Error("commit(length): nothing is reserved")
    if (length > reserved.max)
      throw new RangeError(`commit(${length}): only ${reserved.max} bytes are reserved`)
    this.#reserved = undefined
    if (length > 0) this.#batch.push({ bytes: this.bytes.slice(0, length), path: reserved.path })
    this.bytes.fill(POISON, 0, reserved.max)
  }

  forward(d: Datagram, skip: number, length: number, path: Path): void {
    if (skip < -HEADROOM || length < 0 || skip + length > d.length + TAILROOM)
      throw new RangeError(`forward(d, ${skip}, ${length}): outside of what belongs to the receiver`)
    const start = d.offset + skip
    this.#batch.push({ bytes: d.bytes.subarray(start, start + length), path })
  }

  /** Nothing is ever fragmented here: what a link's MTU does not let through is dropped. */
  forwardUnfragmented(d: Datagram, skip: number, length: number, path: Path): void {
    this.forward(d, skip, length, path)
  }

  ask(request: Request): void {
    this.requests.push(request)
  }

  tell(event: Event): void {
    this.#events.push(event)
  }

  note(evidence: Evidence): void {
    this.#evidence.push(evidence)
  }

  flush(): void {
    if (this.#batch.length === 0) return
    const batch = this.#batch
    this.#batch = []
    for (const { bytes, path } of batch) this.#sink.send(bytes, path)
  }
}
