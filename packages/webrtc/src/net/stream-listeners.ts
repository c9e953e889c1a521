import * as net from "node:net"
import { type Address, formatIp } from "../bytes/index.ts"
import type { Socket } from "../contract/index.ts"
import { addressFrom } from "./ip-text.ts"
import { shareablePort } from "./shared-port.ts"
import type { Bound } from "./udp-io.ts"

/** The TCP ports that a machine listens on. */
export class StreamListeners {
  readonly #servers = new Map<Socket, net.Server>()
  /** Of each that is not at its end yet, that it is: once its last connection has closed. */
  readonly #ends = new Set<Promise<void>>()
  #isClosing = false

  /**
   * Listens on `local`. `done` is called once, never before `listen` returned; then `accepted` for each connection, which
   * nobody reads from.
   */
  listen(
    socket: Socket,
    local: Address,
    accepted: (connection: net.Socket) => void,
    done: (outcome: Bound) => void,
  ): void {
    const server = net.createServer({ pauseOnConnect: true, noDelay: true, allowHalfOpen: true }, accepted)
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#ends.add(promise)
    void promise.then(() => this.#ends.delete(promise))
    server.once("close", resolve)
    const failed = (error: NodeJS.ErrnoException): void => {
      resolve()
      done({ code: error.code ?? "UNKNOWN", error })
    }
    server.once("error", failed)
    server.once("listening", () => {
      server.off("error", failed)
      if (this.#isClosing) {
        server.close()
        return
      }
      // What comes now is of single accepts (EMFILE): whoever called tries again, or not.
      server.on("error", () => {})
      this.#servers.set(socket, server)
      const { address, port } = server.address() as net.AddressInfo
      done({ local: addressFrom(address, port)! })
    })
    const host = formatIp(local.ip)
    try {
      server.listen({
        host,
        ipv6Only: local.ip.length === 16,
        exclusive: true,
        ...shareablePort(host, local.port),
      })
    } catch (error) {
      process.nextTick(failed, error)
    }
  }

  /** Returns false when `socket` is none of these. */
  close(socket: Socket): boolean {
    const server = this.#servers.get(socket)
    this.#servers.delete(socket)
    server?.close()
    return server !== undefined
  }

  async shutdown(): Promise<void> {
    this.#isClosing = true
    for (const server of this.#servers.values()) server.close()
    await Promise.all(this.#ends)
  }
}
