import type { Address } from "@tightbeam/webrtc/bytes"
import {
  type Datagram,
  type Evidence,
  HEADROOM,
  type Machine,
  NO_PATH,
  type Out,
  type Path,
  PathTable,
  type Request,
  type Socket,
  TAILROOM,
} from "@tightbeam/webrtc/contract"
import type { Host } from "./network.ts"

/** What a machine reads here it was never sent. */
const POISON = 0xaa

const SLAB = 65_536 + HEADROOM + TAILROOM

/** What crossed a driver's sockets. Bytes are those of UDP datagrams, without the headers of UDP and IP. */
export interface Traffic {
  packetsIn: number
  bytesIn: number
  packetsOut: number
  bytesOut: number
}

/** Runs one machine on the sockets of one simulated host, as `net` does on real ones. */
export class Driver<Event> {
  readonly events: Event[] = []
  readonly evidence: Evidence[] = []
  readonly machine: Machine<Event>
  readonly paths: PathTable = new PathTable(4096)
  readonly traffic: Traffic = { packetsIn: 0, bytesIn: 0, packetsOut: 0, bytesOut: 0 }
  readonly #host: Host
  readonly #ports: (number | undefined)[] = []
  readonly #ips: Uint8Array[] = []
  readonly #slab = new Uint8Array(SLAB)
  readonly #datagram: Datagram
  readonly #out: SimOut<Event>
  #cancelTick: () => void = () => {}
  #tickAt = Number.POSITIVE_INFINITY

  constructor(host: Host, machine: Machine<Event>) {
    this.#host = host
    this.machine = machine
    this.#datagram = {
      bytes: this.#slab,
      view: new DataView(this.#slab.buffer),
      offset: HEADROOM,
      length: 0,
      path: NO_PATH,
      ecn: 0,
    }
    this.#out = new SimOut(this.paths, this.events, this.evidence, {
      send: (bytes, path) => this.#send(bytes, path),
      ask: request => this.#ask(request),
    })
  }

  /** Opens a UDP socket for the machine on the host's first address of `family`. Throws when the port is taken. */
  listen(port: number, family: 4 | 6 = 4): Socket {
    const socket = this.#bind(port, family)
    if (socket === undefined)
      throw new Error(`listen(${port}): the port is taken, or the host has no IPv${family} address`)
    return socket
  }

  /** Runs a command of the machine, and sends what it says. */
  command(act: (now: number, out: Out<Event>) => void): void {
    act(this.#host.schedule.now, this.#out)
    this.#settle()
  }

  #bind(port: number, family: 4 | 6): Socket | undefined {
    const ip = this.#host.ips.find(ip => ip.length === (family === 4 ? 4 : 16))
    let socket = this.#ports.indexOf(undefined)
    if (socket === -1) socket = this.#ports.length
    const bound =
      ip !== undefined && this.#host.bind(port, (bytes, from, to) => this.#receive(socket, bytes, from, to))
    if (!bound) return undefined
    this.#ports[socket] = port
    this.#ips[socket] = ip
    return socket
  }

  #receive(socket: Socket, bytes: Uint8Array, from: Address, to: Uint8Array): void {
    if (to.length !== this.#ips[socket]!.length) return
    this.traffic.packetsIn++
    this.traffic.bytesIn += bytes.length
    this.#slab.fill(POISON)
    this.#slab.set(bytes, HEADROOM)
    const d = this.#datagram
    d.offset = HEADROOM
    d.length = bytes.length
    d.path = this.paths.open(socket, from)
    if (d.path === NO_PATH) return
    this.machine.receive(d, this.#host.schedule.now, this.#out)
    this.#settle()
    // Whoever kept a reference reads poison from now on.
    this.#slab.fill(POISON)
  }

  #send(bytes: Uint8Array, path: Path): void {
    const socket = this.paths.socket(path)
    const port = this.#ports[socket]
    if (port === undefined) return
    this.traffic.packetsOut++
    this.traffic.bytesOut += bytes.length
    this.#host.send({ ip: this.#ips[socket]!, port }, this.paths.remote(path), bytes)
  }

  #ask(request: Request): void {
    if (request.type === "close") {
      const port = this.#ports[request.socket]
      if (port === undefined) return
      this.#ports[request.socket] = undefined
      this.#host.unbind(port)
      return
    }
    const { id, family, port } = request
    this.#host.schedule.after(0, () => {
      const now = this.#host.schedule.now
      const socket = this.#bind(port, family)
      if (socket === undefined) this.machine.reply({ type: "failed", id, reason: "in-use" }, now, this.#out)
      else {
        const local = { ip: this.#ips[socket]!, port: this.#ports[socket]! }
        this.machine.reply({ type: "bound", id, socket, local }, now, this.#out)
      }
      this.#settle()
    })
  }

  #settle(): void {
    this.#out.flush()
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
  ask(request: Request): void
}

class SimOut<Event> implements Out<Event> {
  readonly paths: PathTable
  readonly bytes: Uint8Array = new Uint8Array(SLAB)
  readonly view: DataView = new DataView(this.bytes.buffer)
  readonly #events: Event[]
  readonly #evidence: Evidence[]
  readonly #sink: Sink
  #reserved: { path: Path; max: number } | undefined
  /** Forwarded bytes are read when the batch is flushed, as a real driver does: a machine that changes them is found out. */
  #batch: { bytes: Uint8Array; path: Path }[] = []

  constructor(paths: PathTable, events: Event[], evidence: Evidence[], sink: Sink) {
    this.paths = paths
    this.#events = events
    this.#evidence = evidence
    this.#sink = sink
  }

  reserve(path: Path, max: number): number {
    if (max > this.bytes.length) throw new RangeError(`reserve(path, ${max}): more than a datagram holds`)
    this.bytes.fill(0, 0, max)
    this.bytes.fill(POISON, max)
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
  }

  forward(d: Datagram, skip: number, length: number, path: Path): void {
    if (skip < -HEADROOM || length < 0 || skip + length > d.length + TAILROOM)
      throw new RangeError(`forward(d, ${skip}, ${length}): outside of what belongs to the receiver`)
    const start = d.offset + skip
    this.#batch.push({ bytes: d.bytes.subarray(start, start + length), path })
  }

  ask(request: Request): void {
    this.#sink.ask(request)
  }

  tell(event: Event): void {
    this.#events.push(event)
  }

  note(evidence: Evidence): void {
    this.#evidence.push(evidence)
  }

  flush(): void {
    const batch = this.#batch
    this.#batch = []
    for (const { bytes, path } of batch) this.#sink.send(bytes, path)
  }
}
