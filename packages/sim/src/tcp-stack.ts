import { type Endpoint, endpointOf, type Ip, ipOf, portOf } from "./endpoints.ts"
import type { Packet } from "./packet.ts"
import type { Segment } from "./segment.ts"
import type { Simulation } from "./simulation.ts"
import { TcpConnection, type TcpHandlers } from "./tcp-connection.ts"

const NOTHING = new Uint8Array(0)

/** RFC 6335 §6. */
const FIRST_EPHEMERAL = 49_152

/** The TCP ports and connections of one host. */
export class TcpStack {
  readonly #simulation: Simulation
  readonly #emit: (from: Endpoint, to: Endpoint, payload: Uint8Array, segment: Segment) => void
  /** One on address 0 takes what comes to any. */
  readonly #listeners = new Map<Endpoint, (connection: TcpConnection) => void>()
  readonly #connections = new Map<Endpoint, Map<Endpoint, TcpConnection>>()
  #ephemeral = FIRST_EPHEMERAL

  constructor(
    simulation: Simulation,
    emit: (from: Endpoint, to: Endpoint, payload: Uint8Array, segment: Segment) => void,
  ) {
    this.#simulation = simulation
    this.#emit = emit
  }

  /** On one address, or 0 for any; port 0 takes any that is free. Returns the port; `undefined` when it is taken. */
  listen(port: number, accept: (connection: TcpConnection) => void, on: Ip = 0): number | undefined {
    const chosen = port === 0 ? this.#ephemeral++ : port
    const at = endpointOf(on, chosen)
    const isTaken = [...this.#listeners.keys()].some(
      each => portOf(each) === chosen && (on === 0 || ipOf(each) === 0 || ipOf(each) === on),
    )
    if (isTaken) return undefined
    this.#listeners.set(at, accept)
    return chosen
  }

  unlisten(port: number, on: Ip = 0): void {
    this.#listeners.delete(endpointOf(on, port))
  }

  /** Whether these two ends are connected, or about to be. */
  connects(local: Endpoint, remote: Endpoint): boolean {
    return this.#connections.get(local)?.has(remote) ?? false
  }

  /** `port` 0: any that is free. Without an address to connect from, it ends as soon as this call is over. */
  connect(ip: Ip | undefined, port: number, remote: Endpoint, handlers: TcpHandlers): TcpConnection {
    const local = endpointOf(ip ?? 0, port === 0 ? this.#ephemeral++ : port)
    const connection = this.#connection(local, remote)
    connection.handlers = handlers
    if (ip === undefined) this.#simulation.schedule.after(0, () => connection.abandon("unreachable"))
    else connection.open()
    return connection
  }

  receive({ from, to, payload, segment }: Packet, port: number): void {
    if (segment === undefined) return
    const known = this.#connections.get(to)?.get(from)
    if (known !== undefined) return known.receive(segment, payload)
    const accept = this.#listeners.get(to) ?? this.#listeners.get(port)
    if (segment.opener !== undefined && accept !== undefined)
      this.#connection(to, from, accept).receive(segment, payload)
    else if (!segment.rst) {
      const reset = { seq: segment.ack, ack: segment.seq + 1, syn: false, fin: false, rst: true, window: 0 }
      this.#emit(to, from, NOTHING, reset)
    }
  }

  #connection(
    local: Endpoint,
    remote: Endpoint,
    accept?: (connection: TcpConnection) => void,
  ): TcpConnection {
    let ofLocal = this.#connections.get(local)
    if (ofLocal === undefined) this.#connections.set(local, (ofLocal = new Map<Endpoint, TcpConnection>()))
    const outlet = {
      schedule: this.#simulation.schedule,
      localAddress: this.#simulation.endpoints.address(local),
      remoteAddress: this.#simulation.endpoints.address(remote),
      transmit: (segment: Segment, payload: Uint8Array) => this.#emit(local, remote, payload, segment),
      forget: () => void ofLocal.delete(remote),
    }
    const connection = new TcpConnection(outlet, accept)
    ofLocal.set(remote, connection)
    return connection
  }
}
