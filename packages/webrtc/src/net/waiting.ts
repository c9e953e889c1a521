import { createSocket, type RemoteInfo } from "node:dgram"

/** Who waits until something can be received, or until it is time. */
export interface Waiting {
  /** Whether it has to receive the first datagram to know that there is one. */
  readonly readsFirst: boolean
  /** Watches a bound socket that never blocks, which is its own from now on. `watcher` is not called before this returned. */
  watch(fd: number, family: 4 | 6, watcher: Watcher): Watched
  /** Calls something soon, and not before this returned. */
  later(call: () => void): void
}

export interface Watcher {
  /**
   * Something can be received. Who had to receive the first datagram to know it hands it over. Returns whether some of it
   * may be left: it wants to be called again then, when others had their turn.
   */
  readable(first?: Uint8Array, from?: RemoteInfo): boolean
  /** An error that the network reported, as ICMP makes them. */
  failed(): void
}

export interface Watched {
  /** Closes the socket. Its watcher is not called any more. Resolves when nothing is left. */
  close(): Promise<void>
}

/** The platform waits: callbacks, exceptions and the end of the process are all as everywhere in Node. */
export const NODE_WAITING: Waiting = {
  readsFirst: true,
  watch(fd, family, watcher) {
    const dgram = createSocket(family === 4 ? "udp4" : "udp6")
    const { promise, resolve } = Promise.withResolvers<void>()
    dgram.once("close", resolve)
    dgram.on("error", () => watcher.failed())
    dgram.on("message", (first, from) => watcher.readable(first, from))
    dgram.bind({ fd })
    return {
      close: () => {
        dgram.close()
        return promise
      },
    }
  },
  later: call => process.nextTick(call),
}
