import { type AddressInfo, createServer, type Server, type Socket } from "node:net"
import {
  createServer as createTlsServer,
  type SecureContextOptions,
  type TlsOptions,
  type Server as TlsServer,
} from "node:tls"
import { addressGroup } from "../bytes/index.ts"
import { awaitFirstBytes } from "./first-bytes.ts"
import { addressFrom } from "./ip-text.ts"

/** How connections of one kind are told, and who takes them. */
export interface TcpProtocol {
  readonly name: string
  /**
   * Whether a connection that begins with `head`, at least one byte, is of this kind; `undefined` when more bytes are
   * needed to tell, up to 16. The first protocol that says so has it.
   */
  matches(head: Uint8Array): boolean | undefined
  /** Takes over the socket, whose bytes are all still to be read. */
  accept(socket: Socket, transport: "tcp" | "tls"): void
}

/** The first byte of every TLS connection: a record of type handshake (RFC 8446 §5.1). */
const TLS_FIRST_BYTE = 0x16

export interface TcpLimits {
  /**
   * How long a connection may take to say which protocol it is for, ms: after it was made, and again after the TLS
   * handshake. Default 10,000.
   */
  readonly silence: number
  /** Open connections in all. Default 10,000. */
  readonly connections: number
  /** Open connections from one address (IPv6: from one /64); Infinity behind a proxy. Default 1,000. */
  readonly connectionsPerAddress: number
}

export const DEFAULT_TCP_LIMITS: TcpLimits = {
  silence: 10_000,
  connections: 10_000,
  connectionsPerAddress: 1_000,
}

/** Of a connection that was gone before it was looked at. */
const UNKNOWN = new Uint8Array(4)

export interface TcpPortOptions {
  /** An IP address. */
  readonly address: string
  /** 0 takes any free port. */
  readonly port: number
  readonly protocols: readonly TcpProtocol[]
  /** Certificate, ALPN, and how long a handshake may take. Without it TLS is unknown here. */
  readonly tls?: TlsOptions | undefined
  readonly limits?: Partial<TcpLimits>
  /** Whether one more connection may come from an address now: a rate, say. Asked once for each. Default: always. */
  readonly admits?: (ip: Uint8Array) => boolean
}

/** Since the start, but for `open`. */
export interface TcpCounters {
  open: number
  accepted: number
  /** Over one of the caps, or not admitted: closed at once. */
  refused: number
  /** Silent for too long, or closed before it was told what they are for. */
  silent: number
  /** The first bytes belong to no protocol. */
  unknown: number
  /** The TLS handshake failed, or took too long. */
  tlsFailed: number
}

/**
 * One TCP port for several protocols, with and without TLS. A connection is held until its first bytes have
 * come, and handed to whom they belong; TLS ends here, and what is inside is told apart the same way.
 */
export class TcpPort {
  readonly #server: Server
  readonly #tls: TlsServer | undefined
  readonly #protocols: readonly TcpProtocol[]
  readonly #limits: TcpLimits
  readonly #admits: (ip: Uint8Array) => boolean
  readonly #open = new Set<Socket>()
  readonly #perAddress = new Map<string, number>()
  readonly #counters: TcpCounters = { open: 0, accepted: 0, refused: 0, silent: 0, unknown: 0, tlsFailed: 0 }

  /** Rejects with the system's error (`code`: `EADDRINUSE`, `EACCES`, …). */
  static listen(options: TcpPortOptions): Promise<TcpPort> {
    const port = new TcpPort(options)
    const { promise, resolve, reject } = Promise.withResolvers<TcpPort>()
    port.#server.once("error", reject)
    port.#server.listen({ host: options.address, port: options.port }, () => {
      port.#server.off("error", reject)
      // What comes now is of single accepts (EMFILE): the port goes on.
      port.#server.on("error", () => port.#counters.refused++)
      resolve(port)
    })
    return promise
  }

  private constructor(options: TcpPortOptions) {
    this.#protocols = options.protocols
    this.#limits = { ...DEFAULT_TCP_LIMITS, ...options.limits }
    this.#admits = options.admits ?? (() => true)
    this.#tls = options.tls && this.#terminateTls(options.tls)
    // allowHalfOpen is what HTTP servers expect of the sockets that they are given.
    this.#server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true }, socket =>
      this.#connected(socket),
    )
  }

  get local(): { readonly address: string; readonly port: number } {
    const { address, port } = this.#server.address() as AddressInfo
    return { address, port }
  }

  counters(): Readonly<TcpCounters> {
    return this.#counters
  }

  /** New TLS connections get this certificate from now on. */
  replaceCertificate(certificate: SecureContextOptions): void {
    this.#tls?.setSecureContext(certificate)
  }

  /** Stops accepting and destroys what is open. Resolves when nothing is left. */
  async close(): Promise<void> {
    const closed = [new Promise<void>(resolve => void this.#server.close(() => resolve()))]
    for (const socket of this.#open) {
      closed.push(new Promise(resolve => void socket.once("close", () => resolve())))
      socket.destroy()
    }
    await Promise.all(closed)
  }

  #connected(socket: Socket): void {
    // A reset can come at any time, and to a socket that nobody listens on it would end the process.
    socket.on("error", () => socket.destroy())
    const ip = addressFrom(socket.remoteAddress ?? "", 0)?.ip ?? UNKNOWN
    const source = addressGroup(ip)
    const fromSource = this.#perAddress.get(source) ?? 0
    const { connections, connectionsPerAddress } = this.#limits
    if (this.#open.size >= connections || fromSource >= connectionsPerAddress || !this.#admits(ip)) {
      this.#counters.refused++
      socket.destroy()
      return
    }
    this.#open.add(socket)
    this.#perAddress.set(source, fromSource + 1)
    this.#counters.accepted++
    this.#counters.open++
    socket.once("close", () => {
      this.#open.delete(socket)
      this.#counters.open--
      const left = (this.#perAddress.get(source) ?? 1) - 1
      if (left === 0) this.#perAddress.delete(source)
      else this.#perAddress.set(source, left)
    })
    this.#tellApart(socket, "tcp")
  }

  /** Once for the connection itself, and again for what is inside of TLS. */
  #tellApart(socket: Socket, transport: "tcp" | "tls"): void {
    awaitFirstBytes(socket, this.#limits.silence, {
      look: head => this.#takerOf(socket, transport, head),
      giveUp: () => {
        this.#counters.silent++
        socket.destroy()
      },
    })
  }

  /** `undefined` while more bytes are needed to tell. */
  #takerOf(socket: Socket, transport: "tcp" | "tls", head: Uint8Array): (() => void) | undefined {
    const tls = transport === "tcp" ? this.#tls : undefined
    if (tls !== undefined && head[0] === TLS_FIRST_BYTE) return () => tls.emit("connection", socket)
    for (const protocol of this.#protocols) {
      const matches = protocol.matches(head)
      if (matches === undefined) return undefined
      if (matches) return () => this.#hand(socket, transport, protocol)
    }
    return () => {
      this.#counters.unknown++
      socket.destroy()
    }
  }

  #hand(socket: Socket, transport: "tcp" | "tls", protocol: TcpProtocol): void {
    protocol.accept(socket, transport)
    // Whoever took it reads with listeners or took the handle; either way it must flow again.
    process.nextTick(() => socket.resume())
  }

  #terminateTls(options: TlsOptions): TlsServer {
    const server = createTlsServer(options)
    server.on("secureConnection", socket => {
      socket.on("error", () => socket.destroy())
      this.#tellApart(socket, "tls")
    })
    server.on("tlsClientError", (_error, socket) => {
      this.#counters.tlsFailed++
      socket.destroy()
    })
    return server
  }
}
