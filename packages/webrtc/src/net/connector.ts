import * as net from "node:net"
import { connect as connectTls, type TLSSocket } from "node:tls"
import { type Address, formatIp } from "../bytes/index.ts"
import type { Request, SocketFailure } from "../contract/index.ts"
import { addressFrom } from "./ip-text.ts"
import { CAN_SHARE_PORTS } from "./shared-port.ts"
import type { StreamLimits } from "./stream-io.ts"

export type Connect = Extract<Request, { readonly type: "connect" }>

export type Connected =
  | { readonly socket: net.Socket; readonly local: Address }
  | { readonly reason: SocketFailure }

/** Opens TCP and TLS connections. */
export class Connector {
  readonly #limits: Pick<StreamLimits, "connecting" | "connect">
  readonly #authorities: string[] | undefined
  /** How each that is under way is given up, by its id. */
  readonly #underWay = new Map<number, () => void>()

  /** `authorities`: as PEM, whose certificates are trusted. Default: those that the platform trusts. */
  constructor(limits: Pick<StreamLimits, "connecting" | "connect">, authorities?: readonly string[]) {
    this.#limits = limits
    this.#authorities = authorities && [...authorities]
  }

  /**
   * `done` is called once, unless it is abandoned, and never before `connect` returned. Nobody reads from the socket that
   * it gets; until then its errors are heard here.
   */
  connect(request: Connect, done: (outcome: Connected) => void): void {
    let socket: net.Socket | undefined
    let isOver = false
    const end = (): void => {
      isOver = true
      clearTimeout(timer)
      this.#underWay.delete(request.id)
    }
    const fail = (reason: SocketFailure): void => {
      if (isOver) return
      end()
      socket?.destroy()
      done({ reason })
    }
    const timer = setTimeout(fail, this.#limits.connect, "timed-out")
    const isOneTooMany = this.#underWay.size >= this.#limits.connecting
    this.#underWay.set(request.id, () => {
      end()
      socket?.destroy()
    })
    if (isOneTooMany) {
      process.nextTick(fail, "exhausted")
      return
    }
    try {
      socket = open(request)
    } catch (error) {
      process.nextTick(fail, failureOf(error as NodeJS.ErrnoException, request))
      return
    }
    const connected = (opened: net.Socket): void => {
      // It may have gone at once.
      const local = addressFrom(opened.localAddress ?? "", opened.localPort ?? 0)
      if (local === undefined) return fail("refused")
      end()
      done({ socket: opened, local })
    }
    socket.on("error", error => fail(failureOf(error, request)))
    socket.once("connect", () => {
      if (request.transport === "tcp") return connected(socket!)
      const plain = socket!
      const tls = this.#secure(plain, request)
      socket = tls
      tls.on("error", () => fail("refused"))
      tls.once("close", () => fail("refused"))
      tls.once("secureConnect", () => (tls.authorized ? connected(tls.pause()) : fail("untrusted")))
    })
  }

  abandon(id: number): void {
    this.#underWay.get(id)?.()
  }

  shutdown(): void {
    for (const abandon of this.#underWay.values()) abandon()
  }

  #secure(socket: net.Socket, { remote, serverName = "", protocols }: Connect): TLSSocket {
    return connectTls({
      socket,
      // What the certificate has to be good for; SNI has no IP addresses (RFC 6066 §3).
      host: serverName === "" ? formatIp(remote.ip) : serverName,
      ...(serverName !== "" && net.isIP(serverName) === 0 && { servername: serverName }),
      ...(protocols && { ALPNProtocols: [...protocols] }),
      ...(this.#authorities && { ca: this.#authorities }),
      // Only so that a bad certificate can be told from other ends: who is not `authorized` is given up.
      rejectUnauthorized: false,
    })
  }
}

/** Begins to connect. Throws the system's error when there can be no socket at that local address. */
function open({ ip, port = 0, remote, family }: Connect): net.Socket {
  const to = { host: formatIp(remote.ip), port: remote.port }
  const host = ip === undefined ? undefined : formatIp(ip)
  const isShared = port !== 0 && CAN_SHARE_PORTS
  const any = family === 4 ? "0.0.0.0" : "::"
  const handle = isShared ? new net.BoundSocket({ host: host ?? any, port, reusePort: true }) : undefined
  const socket = new net.Socket({ allowHalfOpen: true, ...(handle && { handle }) })
  // From the first moment on: what comes is for whoever gets it.
  socket.pause()
  socket.setNoDelay(true)
  if (isShared) socket.connect(to)
  else socket.connect({ ...to, ...(host && { localAddress: host }), ...(port !== 0 && { localPort: port }) })
  return socket
}

function failureOf({ code, syscall }: NodeJS.ErrnoException, { port = 0 }: Connect): SocketFailure {
  switch (code) {
    case "ETIMEDOUT":
      return "timed-out"
    case "EADDRINUSE":
      return "in-use"
    case "EADDRNOTAVAIL":
      // Of bind, that it is no address of ours; of connect, that there is no port left to connect from.
      if (syscall === "bind") return "unreachable"
      return port === 0 ? "exhausted" : "in-use"
    case "ENETUNREACH":
    case "EHOSTUNREACH":
    case "ENETDOWN":
    case "EHOSTDOWN":
    case "EACCES":
    case "EPERM":
    case "EINVAL":
    case "EAFNOSUPPORT":
      return "unreachable"
    case "EMFILE":
    case "ENFILE":
    case "ENOBUFS":
    case "ENOMEM":
      return "exhausted"
    default:
      return "refused"
  }
}
