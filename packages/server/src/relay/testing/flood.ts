/**
 * A worker that throws mutated STUN messages and ChannelData at a UDP port of the loopback, as fast as the receiver
 * takes them. `workerData`: `port`, `count`, `seed`, the valid `messages` to begin with, and `received`: a shared
 * counter, so that none is lost in the socket's buffer for want of a reader.
 */
import { createSocket } from "node:dgram"
import { parentPort, workerData } from "node:worker_threads"
import { Random } from "@tightbeam/sim"

interface Flood {
  readonly port: number
  readonly count: number
  readonly seed: number
  readonly messages: readonly Uint8Array[]
  readonly received: Int32Array
}

/** How many may be under way: what the receiver's buffer holds for certain. */
const WINDOW = 512

const { port, count, seed, messages, received } = workerData as Flood
const random = new Random(seed)
const socket = createSocket({ type: "udp4", lookup: (_name, _options, done) => done(null, "127.0.0.1", 4) })

/** A valid message with some bytes changed, its end cut off or lengthened, or its declared length a lie. */
function mutated(): Uint8Array {
  const message = random.pick(messages)
  const bytes = new Uint8Array(Math.max(1, message.length + (random.chance(0.3) ? random.below(80) - 40 : 0)))
  bytes.set(message.subarray(0, bytes.length))
  for (let i = random.below(6); i > 0; i--) bytes[random.below(bytes.length)] = random.below(256)
  // Mostly keep the length true, so that the parser gets past it.
  if (bytes.length >= 20 && random.chance(0.7)) {
    bytes[2] = (bytes.length - 20) >> 8
    bytes[3] = (bytes.length - 20) & 0xfc
  }
  return bytes
}

let sent = 0
function burst(): void {
  const room = Math.min(count - sent, WINDOW - (sent - Atomics.load(received, 0)), 64)
  for (let i = 0; i < room; i++) socket.send(mutated(), port, "127.0.0.1")
  sent += Math.max(0, room)
  if (sent < count) setImmediate(burst)
  else
    socket.close(() => {
      parentPort!.postMessage("done")
    })
}
// Answers are read and thrown away.
socket.on("message", () => {})
socket.on("error", () => {})
socket.bind(0, "127.0.0.1", burst)
