import { createSocket, type Socket as DgramSocket } from "node:dgram"
import { once } from "node:events"
import { TurnClient } from "../packages/server/src/relay/testing/turn-client.ts"
import type { Address } from "../packages/webrtc/src/bytes/index.ts"
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
    const { bytes, rate, burst, paced = false } = shape
    const most = Math.ceil(this.#clients.length * rate * seconds * Math.max(...burst) * 2) + 1000
    const latencies = new Float64Array(most)
    const ready = this.#sockets.readiness(256)
    for (const { fd } of this.#clients) ready.add(fd)
    ready.add(this.#peer.fd)
    let received = 0
    let sent = 0
    let used = 0
    const drain = (fd: number, skip: number): void => {
      for (;;) {
        const count = this.#batch.receive(fd, 0)
        const now = performance.now()
        for (let i = 0; i < count; i++)
          latencies[received++] = now - this.#batch.memory.view.getFloat64(this.#batch.offset(i) + skip)
        if (count < this.#batch.capacity) return
      }
    }
    const receive = (timeout: number): void => {
      const count = ready.wait(timeout)
      for (let i = 0; i < count; i++) {
        const fd = ready.ready(i)
        drain(fd, fd === this.#peer.fd ? 0 : HEADER)
      }
    }
    const send = (key: number, now: number): void => {
      const { toServer, toRelay } = this.#clients[key >> 1]!
      const isFromPeer = (key & 1) === 1
      const header = isFromPeer ? 0 : HEADER
      const { view } = this.#memory
      if (used + header + bytes > this.#memory.bytes.length) flush()
      if (!isFromPeer) {
        view.setUint16(used, CHANNEL)
        view.setUint16(used + 2, bytes)
      }
      view.setFloat64(used + header, now)
      this.#queue.add(key, isFromPeer ? toRelay : toServer, this.#memory, used, header + bytes)
      used += (header + bytes + 7) & ~7
      sent++
    }
    const flush = (): void => {
      this.#queue.flush()
      used = 0
    }
    // Everybody, and their peers, each at a time of their own within the frame's.
    const ways = this.#clients.length * 2
    const interval = 1000 / rate
    const dues = Float64Array.from({ length: ways }, (_, i) => (interval * i) / ways)
    const frames = new Int32Array(ways)
    const left = new Int32Array(ways)
    const started = performance.now()
    const end = started + seconds * 1000
    for (;;) {
      const now = performance.now()
      if (now >= end) break
      for (let way = 0; way < ways; way++) {
        if (started + dues[way]! > now) continue
        const size = burst[frames[way]! % burst.length]!
        if (!paced) {
          for (let i = 0; i < size; i++) send(way, now)
          frames[way]!++
          dues[way]! += interval
        } else {
          if (left[way] === 0) left[way] = size
          send(way, now)
          dues[way]! += interval / size
          if (--left[way]! === 0) frames[way]!++
        }
      }
      flush()
      receive(1)
    }
    const patience = performance.now() + 500
    while (received < sent && performance.now() < patience) receive(10)
    ready.close()
    return { sent, received, latencies: latencies.subarray(0, received).sort() }
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
