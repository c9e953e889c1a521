import { type AddressInfo, createServer, type Server, type Socket } from "node:net"

/** How connections of one kind are told, and who takes them. */
export interface TcpProtocol {
  readonly name: string
  /** Whether a connection whose first byte is `byte` is of this kind. The first protocol that says so has it. */
  matches(byte: number): boolean
  /** Takes over the socket, whose bytes are all still to be read. */
  accept(socket: Socket): void
}

/** The first byte of every TLS connection: a record of type handshake (RFC 8446 §5.1). */
export const TLS_FIRST_BYTE = 0x16

export interface TcpLimits {
  /** How long a connection may stay silent after it was made, ms. Default 10,000. */
  readonly silence: number
  /** Open connections in all. Default 4,096. */
  readonly connections: number
  /** Open connections from one address (IPv6: from one /64). Default 256. */
  readonly connectionsPerAddress: number
}

export const DEFAULT_TCP_LIMITS: TcpLimits = {
  silence: 10_000,
  connections: 4_096,
  connectionsPerAddress: 256,
}

export interface TcpPortOptions {
  /** An IP address. */
  readonly address: string
  /** 0 takes any free port. */
  readonly port: number
  readonly protocols: readonly TcpProtocol[]
  readonly limits?: Partial<TcpLimits>
  /** Whose connections are not counted by address: a proxy's. Default: nobody's. */
  readonly exempt?: (address: string) => boolean
}

/** Since the start, but for `open`. */
export interface TcpCounters {
  open: number
  accepted: number
  /** Over one of the caps: closed at once. */
  refused: number
  /** Silent for too long, or closed before a byte came. */
  silent: number
  /** The first byte belongs to no protocol. */
  unknown: number
}

/**
 * One TCP port for several protocols. A connection is held until its first byte has come, and handed to
 * whom that byte belongs.
 */
export class TcpPort {
  readonly #server: Server
  readonly #protocols: readonly TcpProtocol[]
  readonly #limits: TcpLimits
  readonly #exempt: (address: string) => boolean
  readonly #open = new Set<Socket>()
  readonly #perAddress = new Map<string, number>()
  readonly #counters: TcpCounters = { open: 0, accepted: 0, refused: 0, silent: 0, unknown: 0 }

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
    this.#exempt = options.exempt ?? (() => false)
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
    const source = addressGroup(socket.remoteAddress ?? "")
    const fromSource = this.#perAddress.get(source) ?? 0
    const overOwn =
      fromSource >= this.#limits.connectionsPerAddress && !this.#exempt(socket.remoteAddress ?? "")
    if (this.#open.size >= this.#limits.connections || overOwn) {
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
    this.#awaitFirstByte(socket)
  }

  #awaitFirstByte(socket: Socket): void {
    const giveUp = (): void => {
      this.#counters.silent++
      socket.destroy()
    }
    const timer = setTimeout(giveUp, this.#limits.silence)
    const stop = (): void => {
      clearTimeout(timer)
      socket.off("readable", look)
      socket.off("end", giveUp)
      socket.off("close", stop)
    }
    const look = (): void => {
      const bytes = socket.read() as Uint8Array | null
      if (bytes === null) return
      stop()
      socket.unshift(bytes)
      this.#hand(socket, bytes[0]!)
    }
    socket.on("readable", look)
    socket.once("end", giveUp)
    socket.once("close", stop)
  }

  #hand(socket: Socket, first: number): void {
    for (const protocol of this.#protocols) {
      if (!protocol.matches(first)) continue
      protocol.accept(socket)
      // Whoever took it reads with listeners or took the handle; either way it must flow again.
      process.nextTick(() => socket.resume())
      return
    }
    this.#counters.unknown++
    socket.destroy()
  }
}

/** One home or host has a whole IPv6 /64, so that is what counts as one address. */
function addressGroup(address: string): string {
  if (!address.includes(":")) return address
  if (address.startsWith("::ffff:") && address.includes(".")) return address.slice(7)
  const [head = "", tail] = address.split("%")[0]!.split("::")
  const left = head === "" ? [] : head.split(":")
  const right = tail === undefined || tail === "" ? [] : tail.split(":")
  const groups =
    tail === undefined ? left : [...left, ...Array(8 - left.length - right.length).fill("0"), ...right]
  return `${groups.slice(0, 4).join(":")}::/64`
}
