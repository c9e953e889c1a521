import { createSocket, type Socket as DgramSocket } from "node:dgram"
import { once } from "node:events"
import type { Address } from "@tightbeam/webrtc/bytes"
import { TurnClient } from "../packages/server/src/relay/testing/turn-client.ts"
import {
  type ReceiveBatch,
  type Route,
  type SendQueue,
  UdpSockets,
} from "../packages/webrtc/src/native/index.ts"

/** What each client sends to its peer, and its peer to it. */
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

export interface LoadResult {
  readonly sent: number
  readonly received: number
  /** ms, sorted. */
  readonly latencies: Float64Array
}

interface Client {
  readonly client: TurnClient
  readonly socket: DgramSocket
  readonly fd: number
  readonly toServer: Route
  /** From the peer's socket to the relayed address. */
  readonly toRelay: Route
}

const CHANNEL = 0x4000
const HEADER = 4
const BUFFERS = { dualStack: false, receiveBuffer: 8 << 20, sendBuffer: 8 << 20 }
const LOOPBACK = Uint8Array.of(127, 0, 0, 1)

/** Clients of a TURN server of this machine, each with an allocation and a channel to the one peer, and that peer. */
export class TurnLoad {
  readonly #sockets: UdpSockets
  readonly #clients: Client[] = []
  readonly #peer: { readonly fd: number; readonly local: Address }
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
    const peer = sockets.open({ ip: LOOPBACK, port: 0 }, BUFFERS)
    if ("code" in peer) throw new Error(`The peer's socket: ${peer.code}`)
    this.#peer = peer
    this.#batch = sockets.receiveBatch(64, { head: 64, tail: 64 })
    const counters = { sent: 0, sentBytes: 0, sendDropped: 0, sendErrors: 0 }
    this.#queue = sockets.sendQueue(1024, 2 * most, counters)
    this.#memory = sockets.memory(2 << 20)
  }

  static async open(
    { port, username, password }: { port: number; username: string; password: string },
    clients: number,
  ): Promise<TurnLoad> {
    const sockets = UdpSockets.load()
    if (typeof sockets === "string")
      throw new Error(`The load generator needs the batched sockets: ${sockets}`)
    const load = new TurnLoad(sockets, clients)
    for (let i = 0; i < clients; i++) await load.#add(port, username, password)
    return load
  }

  async #add(port: number, username: string, password: string): Promise<void> {
    const opened = this.#sockets.open({ ip: LOOPBACK, port: 0 }, BUFFERS)
    if ("code" in opened) throw new Error(`A client's socket: ${opened.code}`)
    const { fd } = opened
    const socket = createSocket("udp4")
    socket.bind({ fd })
    if (!isListening(socket)) await once(socket, "listening")
    const client = TurnClient.on(socket, port, username, password)
    const relayed = await client.allocate()
    if (relayed === 0) throw new Error("An allocation was refused.")
    const code = await client.permit("127.0.0.1", this.#peer.local.port, CHANNEL)
    if (code !== 0) throw new Error(`A channel was refused: ${code}.`)
    this.#clients.push({
      client,
      socket,
      fd,
      toServer: { fd, family: 4, ip: LOOPBACK, port },
      toRelay: { fd: this.#peer.fd, family: 4, ip: LOOPBACK, port: relayed },
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
    const ready = this.#sockets.readiness(256)
    for (const { fd } of [...this.#clients, this.#peer]) ready.add(fd)
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
    const skip = fd === this.#peer.fd ? 0 : HEADER
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
    for (const { client, socket } of this.#clients) {
      await client.refresh(0)
      socket.close()
    }
    this.#sockets.close(this.#peer.fd)
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
