import { UdpSockets } from "../native/index.ts"
import { BatchedIo } from "./batched-io.ts"
import { DgramIo } from "./dgram-io.ts"
import { EventLoop, type EventLoopOptions } from "./event-loop.ts"
import type { CreateUdpIo } from "./udp-io.ts"

export interface ChosenIo {
  readonly form: "batched" | "dgram"
  /** Why it is not the faster form. */
  readonly why?: string
  readonly create: CreateUdpIo
  /** For a thread that does little else, with a form of `UdpIo` on it. Only the batched form has it. */
  readonly createLoop?: (options?: EventLoopOptions) => EventLoop
  /** Wakes the thread whose loop has this `signalFd`. */
  readonly wake?: (signalFd: number) => void
}

/** Loaded and tested once: it takes milliseconds, and its answer does not change. */
let loaded: UdpSockets | string | undefined

/** The fastest form of `UdpIo` that works here; `native: "off"` leaves out what calls the system by itself. */
export function chooseIo(native: "auto" | "off"): ChosenIo {
  if (native === "off") return dgram("native: off")
  loaded ??= UdpSockets.load()
  const sockets = loaded
  if (typeof sockets === "string") return dgram(sockets)
  return {
    form: "batched",
    create: (paths, onBatch, options) => new BatchedIo(sockets, paths, onBatch, options),
    createLoop: options => new EventLoop(sockets, options),
    wake: signalFd => sockets.signalOf(signalFd).raise(),
  }
}

function dgram(why: string): ChosenIo {
  return { form: "dgram", why, create: (paths, onBatch, options) => new DgramIo(paths, onBatch, options) }
}
