import { Worker } from "node:worker_threads"
import { chooseIo, ListenError } from "@tightbeam/webrtc/net"
import type { AlternateServers } from "@tightbeam/webrtc/turn"
import type { ListenAt } from "./listeners.ts"
import type { ShardOwner, ShardSettings } from "./shard.ts"
import type { Command, Readings, Report, ThreadData } from "./thread-protocol.ts"

/** From source and from dist alike. */
const THREAD = new URL(import.meta.url.endsWith(".ts") ? "./thread.ts" : "./thread.js", import.meta.url)

interface Waiter {
  readonly resolve: (reading: Readings[keyof Readings]) => void
  readonly reject: (error: Error) => void
}

/** Those whose threads run. */
const running = new Set<ThreadedShard>()
// A process that ends stops one thread after the other, and waits for each to look up from the kernel.
process.on("exit", () => {
  for (const shard of running) shard.abandon()
})

/** A shard on a thread of its own, by word of mouth. */
export class ThreadedShard {
  readonly #worker: Worker
  readonly #owner: ShardOwner
  readonly #wake: (signalFd: number) => void
  #signalFd = -1
  #listen: ListenAt | undefined
  #asked = 0
  readonly #readings = new Map<number, Waiter>()
  #onEmpty: (() => void) | undefined
  readonly #started = Promise.withResolvers<ThreadedShard>()
  readonly #ended = Promise.withResolvers<void>()
  #isEnding = false

  /** Rejects with `ListenError`, or an Error that names an option. */
  static start(settings: ShardSettings, owner: ShardOwner): Promise<ThreadedShard> {
    return new ThreadedShard(settings, owner).#started.promise
  }

  private constructor(settings: ShardSettings, owner: ShardOwner) {
    const workerData: ThreadData = { settings }
    this.#owner = owner
    this.#wake = chooseIo("auto").wake!
    this.#worker = new Worker(THREAD, { workerData, name: "relay" })
    running.add(this)
    this.#worker.on("message", (report: Report) => this.#hear(report))
    this.#worker.on("error", error => {
      // What it relayed is gone, and its sockets are left open: only a new process can heal that.
      if (this.#listen !== undefined) throw error
      this.#isEnding = true
      this.#started.reject(error)
    })
    this.#worker.on("exit", () => {
      running.delete(this)
      this.#ended.resolve()
      for (const { reject } of this.#readings.values()) reject(new Error("The relay was closed meanwhile."))
      if (!this.#isEnding) throw new Error("A thread of the relay has ended by itself.")
    })
  }

  /** Where it listens, with the ports that it had. */
  get listen(): ListenAt {
    return this.#listen!
  }

  revoke(user: string, until: number): void {
    this.#say({ type: "revoke", user, until })
  }

  drain(alternates: AlternateServers, onEmpty: () => void): void {
    this.#onEmpty = onEmpty
    this.#say({ type: "drain", alternates })
  }

  counters(): Promise<Readings["counters"]> {
    return this.#read("counters")
  }

  usage(): Promise<Readings["usage"]> {
    return this.#read("usage")
  }

  total(): Promise<Readings["total"]> {
    return this.#read("total")
  }

  close(): Promise<void> {
    if (!this.#isEnding) {
      this.#say({ type: "close" })
      this.#isEnding = true
    }
    return this.#ended.promise
  }

  /** Ends the thread wherever it is; the process closes what it had. */
  abandon(): void {
    void this.#worker.terminate()
    // Who is ending has looked up, and its signal may be closed.
    if (!this.#isEnding) this.#wake(this.#signalFd)
  }

  #read<What extends keyof Readings>(what: What): Promise<Readings[What]> {
    const reading = Promise.withResolvers<Readings[What]>()
    const id = ++this.#asked
    this.#readings.set(id, {
      resolve: given => reading.resolve(given as Readings[What]),
      reject: reading.reject,
    })
    this.#say({ type: "read", what, id })
    return reading.promise
  }

  #say(command: Command): void {
    if (this.#isEnding) throw new Error("This thread of the relay is closed.")
    this.#worker.postMessage(command)
    this.#wake(this.#signalFd)
  }

  #hear(report: Report): void {
    switch (report.type) {
      case "started":
        this.#listen = report.listen
        this.#signalFd = report.signalFd
        this.#started.resolve(this)
        return
      case "not-started":
        this.#isEnding = true
        this.#started.reject(
          report.refused === undefined
            ? new TypeError(report.message)
            : new ListenError(report.refused.code, report.message, report.refused.local),
        )
        return
      case "told":
        for (const item of report.news) {
          if ("event" in item) this.#owner.event(item.event, item.now)
          else if ("evidence" in item) this.#owner.evidence(item.evidence, item.now)
          else this.#owner.fault(item.fault, item.during)
        }
        return
      case "reading":
        this.#readings.get(report.id)?.resolve(report.reading)
        this.#readings.delete(report.id)
        return
      case "empty":
        this.#onEmpty?.()
    }
  }
}
