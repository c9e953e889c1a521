import { createSocket, type Socket as DgramSocket } from "node:dgram"
import { once } from "node:events"
import type { ReceiveBatch, Route, SendQueue, UdpSockets } from "../packages/webrtc/src/native/index.ts"
import { LOOPBACK, loadSockets, nextClientIp, openAt } from "./sockets.ts"
import { type Allocation, CHANNEL, type Target } from "./target.ts"

/** What each client sends to its peer, and the peer to it. */
export interface Shape {
  readonly name: string
  /** Bytes of application data. */
  readonly bytes: number
  /** Frames a second. */
  readonly rate: number
  /** Packets of one frame; they take turns. */
  readonly burst: readonly number[]
  /** A frame's packets are spread over its time rather than sent at once. */
  readonly paced?: boolean
}

export const AUDIO: Shape = { name: "audio, 160 B at 50/s", bytes: 160, rate: 50, burst: [1] }
export const VIDEO: Shape = {
  name: "video, 1,200 B, frames of 5–10 at 30/s",
  bytes: 1200,
  rate: 30,
  burst: [5, 10, 7, 8, 6, 9],
}
export const PACED: Shape = { ...VIDEO, name: `${VIDEO.name}, paced`, paced: true }

/** Packets that so many clients and their peers send in a second; the server relays as many. */
export function packetsPerSecond({ rate, burst }: Shape, clients: number): number {
  return (2 * clients * rate * burst.reduce((sum, size) => sum + size)) / burst.length
}

export interface LoadResult {
  readonly sent: number
  readonly received: number
  /** ms, sorted. */
  readonly latencies: Float64Array
}

interface Client {
  readonly allocation: Allocation
  readonly socket: DgramSocket
  readonly toServer: Route
  /** From the peer's socket to the relayed address. */
  readonly toRelay: Route
}

const HEADER = 4
const BUFFERS = 8 << 20

/** Clients of a relay of this machine, each with an allocation and a channel to a peer of its own, and those peers. */
export class TurnLoad {
  readonly #sockets: UdpSockets
  readonly #clients: Client[] = []
  /** The descriptors of the peers' sockets. */
  readonly #peers = new Set<number>()
  readonly #batch: ReceiveBatch
  readonly #queue: SendQueue
  readonly #memory: ReturnType<UdpSockets["memory"]>
  /** Of the memory, for what was not flushed. */
  #used = 0
  #sent = 0
  #received = 0
  #latencies = new Float64Array(0)

  private constructor(sockets: UdpSockets, most: number) {
    this.#sockets = sockets
    this.#batch = sockets.receiveBatch(64, { head: 64, tail: 64 })
    const counters = { sent: 0, sentBytes: 0, sendDropped: 0, sendErrors: 0 }
    this.#queue = sockets.sendQueue(1024, 2 * most, counters)
    this.#memory = sockets.memory(2 << 20)
  }

  static async open(target: Target, clients: number): Promise<TurnLoad> {
    const load = new TurnLoad(loadSockets(), clients)
    for (let i = 0; i < clients; i++) await load.#add(target)
    return load
  }

  async #add(target: Target): Promise<void> {
    const ip = nextClientIp()
    const { fd } = openAt(this.#sockets, ip, BUFFERS)
    const peer = openAt(this.#sockets, ip, BUFFERS)
    this.#peers.add(peer.fd)
    const socket = createSocket("udp4")
    socket.bind({ fd })
    if (!isListening(socket)) await once(socket, "listening")
    const allocation = await target.allocate(socket, { ip: ip.join("."), port: peer.port })
    this.#clients.push({
      allocation,
      socket,
      toServer: { fd, family: 4, ip: LOOPBACK, port: target.port },
      toRelay: { fd: peer.fd, family: 4, ip: LOOPBACK, port: allocation.relayed },
    })
  }

  /** Blocks the thread for so long: nothing else of this process runs meanwhile. */
  run(shape: Shape, seconds: number): LoadResult {
    const { rate, burst, paced = false } = shape
    const ways = this.#clients.length * 2
    const interval = 1000 / rate
    this.#sent = 0
    this.#received = 0
    this.#latencies = new Float64Array(Math.ceil(ways * rate * seconds * Math.max(...burst)) + 1000)
    const ready = this.#sockets.readiness(ways)
    for (const { toServer, toRelay } of this.#clients) {
      ready.add(toServer.fd)
      ready.add(toRelay.fd)
    }
    // Everybody, and their peers, each at a time of their own within the frame's.
    const dues = Float64Array.from({ length: ways }, (_, i) => (interval * i) / ways)
    const frames = new Int32Array(ways)
    const left = new Int32Array(ways)
    const started = performance.now()
    for (let now = started; now < started + seconds * 1000; now = performance.now()) {
      for (let way = 0; way < ways; way++) {
        if (started + dues[way]! > now) continue
        const size = burst[frames[way]! % burst.length]!
        if (!paced) {
          for (let i = 0; i < size; i++) this.#send(way, shape, now)
          frames[way]!++
          dues[way]! += interval
        } else {
          if (left[way] === 0) left[way] = size
          this.#send(way, shape, now)
          dues[way]! += interval / size
          if (--left[way]! === 0) frames[way]!++
        }
      }
      this.#flush()
      this.#receive(ready, 1)
    }
    const patience = performance.now() + 500
    while (this.#received < this.#sent && performance.now() < patience) this.#receive(ready, 10)
    ready.close()
    return {
      sent: this.#sent,
      received: this.#received,
      latencies: this.#latencies.subarray(0, this.#received).sort(),
    }
  }

  #send(way: number, { bytes }: Shape, now: number): void {
    const { toServer, toRelay } = this.#clients[way >> 1]!
    const isFromPeer = (way & 1) === 1
    const header = isFromPeer ? 0 : HEADER
    const { view } = this.#memory
    if (this.#used + header + bytes > this.#memory.bytes.length) this.#flush()
    const at = this.#used
    if (!isFromPeer) {
      view.setUint16(at, CHANNEL)
      view.setUint16(at + 2, bytes)
    }
    view.setFloat64(at + header, now)
    this.#queue.add(way, isFromPeer ? toRelay : toServer, this.#memory, at, header + bytes)
    this.#used += (header + bytes + 7) & ~7
    this.#sent++
  }

  #flush(): void {
    this.#queue.flush()
    this.#used = 0
  }

  #receive(ready: ReturnType<UdpSockets["readiness"]>, timeout: number): void {
    const count = ready.wait(timeout)
    for (let i = 0; i < count; i++) this.#drain(ready.ready(i))
  }

  #drain(fd: number): void {
    const skip = this.#peers.has(fd) ? 0 : HEADER
    for (let count = this.#batch.capacity; count === this.#batch.capacity; ) {
      count = this.#batch.receive(fd, 0)
      const now = performance.now()
      for (let i = 0; i < count; i++)
        this.#latencies[this.#received++] =
          now - this.#batch.memory.view.getFloat64(this.#batch.offset(i) + skip)
    }
  }

  /** Frees the allocations. */
  async close(): Promise<void> {
    for (const { allocation, socket } of this.#clients) {
      await allocation.free()
      socket.close()
    }
    for (const fd of this.#peers) this.#sockets.close(fd)
  }
}

function isListening(socket: DgramSocket): boolean {
  try {
    socket.address()
    return true
  } catch {
    return false
  }
}
