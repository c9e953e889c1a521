import {
  createServer as createHttpServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
} from "node:http"
import type { Duplex } from "node:stream"
import type { SecureContextOptions } from "node:tls"
import { type TcpCounters, type TcpLimits, TcpPort, type TcpProtocol } from "@tightbeam/webrtc/net"
import { AddressBuckets, type AddressRate } from "../limits/index.ts"
import { errorText, type Log } from "../log/index.ts"
import { clientAddress } from "./client-address.ts"
import { HttpError } from "./http-error.ts"
import type { Pages } from "./pages.ts"
import { sendError } from "./respond.ts"
import type { Routes } from "./routes.ts"
import { SECURITY_HEADERS } from "./security-headers.ts"

/** What one connection may take. All in ms but the last two. */
export interface HttpLimits {
  /** From the first byte to the end of the headers. */
  readonly headers: number
  /** From the first byte to the end of the body. */
  readonly request: number
  /** Between two requests on one connection. */
  readonly keepAlive: number
  readonly tlsHandshake: number
  /** How often the above are looked at. */
  readonly check: number
  /** Bytes. */
  readonly headerSize: number
  readonly headerCount: number
}

export const DEFAULT_HTTP_LIMITS: HttpLimits = {
  headers: 10_000,
  request: 30_000,
  keepAlive: 15_000,
  tlsHandshake: 10_000,
  check: 5_000,
  headerSize: 16 * 1024,
  headerCount: 100,
}

export interface HttpFrontOptions {
  readonly address: string
  readonly port: number
  /** PEM. Without it, connections that begin with TLS are closed. */
  readonly certificate: { readonly cert: string; readonly key: string } | undefined
  readonly trustProxy: boolean
  readonly routes: Routes
  readonly pages: Pages
  readonly log: Log
  /** Who else is served on the port, by itself and within TLS. */
  readonly others?: readonly TcpProtocol[]
  readonly limits?: Partial<HttpLimits>
  readonly tcpLimits?: Partial<TcpLimits>
  /** Connections and requests of one address. Connections are not counted behind a proxy, which makes them all. */
  readonly connectionRate?: AddressRate
  readonly requestRate?: AddressRate
}

const DEFAULT_CONNECTION_RATE: AddressRate = { perSecond: 100, burst: 2_000, addresses: 100_000 }
const DEFAULT_REQUEST_RATE: AddressRate = { perSecond: 200, burst: 5_000, addresses: 100_000 }

/** What TLS clients may ask for by name (RFC 7301, RFC 7443 §2). Who asks for nothing is known by its first bytes. */
const ALPN_PROTOCOLS = ["http/1.1", "stun.turn", "stun.nat-discovery"]

/** HTTP, HTTPS and WebSocket on one TCP port, and what shares it. */
export class HttpFront {
  readonly #options: HttpFrontOptions
  readonly #limits: HttpLimits
  readonly #connections: AddressBuckets
  readonly #requests: AddressBuckets
  readonly #http: HttpServer
  #port: TcpPort | undefined

  constructor(options: HttpFrontOptions) {
    this.#options = options
    const limits = { ...DEFAULT_HTTP_LIMITS, ...options.limits }
    this.#limits = limits
    this.#connections = new AddressBuckets(options.connectionRate ?? DEFAULT_CONNECTION_RATE)
    this.#requests = new AddressBuckets(options.requestRate ?? DEFAULT_REQUEST_RATE)
    this.#http = this.#serve(
      createHttpServer({
        headersTimeout: limits.headers,
        requestTimeout: limits.request,
        keepAliveTimeout: limits.keepAlive,
        connectionsCheckingInterval: limits.check,
        maxHeaderSize: limits.headerSize,
        requireHostHeader: false,
      }),
    )
  }

  /** Rejects with the system's error (`code`: `EADDRINUSE`, …). Resolves with the port. */
  async listen(): Promise<number> {
    const { address, port, certificate, trustProxy, others = [], tcpLimits } = this.#options
    const http: TcpProtocol = {
      name: "http",
      matches: isHttp,
      accept: socket => void this.#http.emit("connection", socket),
    }
    this.#port = await TcpPort.listen({
      address,
      port,
      // A proxy brings everybody's connections from its one address, and has its own limits.
      limits: { ...tcpLimits, ...(trustProxy && { connectionsPerAddress: Number.POSITIVE_INFINITY }) },
      admits: ip => trustProxy || this.#connections.take(ip, performance.now()) === 0,
      protocols: [...others, http],
      tls: certificate && {
        ...certificate,
        handshakeTimeout: this.#limits.tlsHandshake,
        ALPNProtocols: ALPN_PROTOCOLS,
      },
    })
    return this.#port.local.port
  }

  /** New TLS connections get this certificate from now on. */
  replaceCertificate(certificate: SecureContextOptions): void {
    this.#port?.replaceCertificate(certificate)
  }

  counters(): Readonly<TcpCounters> | undefined {
    return this.#port?.counters()
  }

  /** Destroys what is open. Resolves when nothing is left. */
  async close(): Promise<void> {
    // It never listened itself; this ends its timers.
    this.#http.close()
    await this.#port?.close()
  }

  #serve(server: HttpServer): HttpServer {
    server.maxHeadersCount = this.#limits.headerCount
    server.on("request", (request, response) => void this.#answer(request, response))
    server.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head))
    server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
      const status =
        CLIENT_ERRORS.get(error.code) ?? (error.code?.startsWith("HPE_") ? "400 Bad Request" : undefined)
      // Everything else is a broken connection: there is no way to answer.
      if (status === undefined) socket.destroy()
      else refuse(socket, status)
    })
    // Normally sent by listen(): it starts the checks of headersTimeout and requestTimeout.
    server.emit("listening")
    return server
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { routes, pages, log, trustProxy } = this.#options
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value)
    try {
      this.#admit(request)
      const url = targetOf(request)
      const method = request.method!
      const match = routes.match(method, url.pathname)
      if (match !== undefined) {
        await match.handler({
          request,
          response,
          url,
          params: match.params,
          client: clientAddress(request, trustProxy),
        })
      } else if (pages.has(url.pathname)) {
        if (method === "GET" || method === "HEAD") pages.send(url.pathname, request, response)
        else
          throw new HttpError(405, "method-not-allowed", `${method} is not possible here.`, "Use GET.", {
            allow: "GET, HEAD",
          })
      } else if (isForPeople(request) && pages.has("/index.html")) {
        pages.send("/index.html", request, response, 404)
      } else throw new HttpError(404, "not-found", "There is nothing here.", "Check the address.")
    } catch (error) {
      this.#failed(error, request, response, log)
    }
  }

  /** Before anything of it is looked at. Throws `HttpError` 429 where its address has had too many (RFC 6585 §4). */
  #admit(request: IncomingMessage): void {
    const { ip } = clientAddress(request, this.#options.trustProxy)
    const wait = this.#requests.take(ip, performance.now())
    if (wait === 0) return
    throw new HttpError(
      429,
      "too-many",
      "Too many requests came from your network in a short time.",
      "Wait a moment, then try again. Where many share one address, raise `limits` on the server.",
      { "retry-after": String(Math.ceil(wait)) },
    )
  }

  #failed(error: unknown, request: IncomingMessage, response: ServerResponse, log: Log): void {
    // The client went away in the middle: nobody to answer, and no fault of ours.
    if (request.destroyed && !request.complete) return
    if (!(error instanceof HttpError))
      log.error("A request failed", {
        method: request.method,
        path: pathOf(request),
        error: errorText(error),
      })
    if (response.headersSent) {
      response.destroy()
      return
    }
    const answer =
      error instanceof HttpError
        ? error
        : new HttpError(500, "internal", "The server failed.", "Try again. If it stays, its log says why.")
    sendError(response, answer)
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // A socket without a listener for errors ends the process when its client resets it.
    socket.on("error", () => socket.destroy())
    try {
      this.#admit(request)
      const handler = this.#options.routes.upgrade(targetOf(request).pathname)
      if (handler === undefined) refuse(socket, "404 Not Found")
      else handler(request, socket, head)
    } catch (error) {
      if (!(error instanceof HttpError))
        this.#options.log.error("An upgrade failed", { path: pathOf(request), error: errorText(error) })
      if (error instanceof HttpError) refuse(socket, `${error.status} ${error.code}`, error.headers)
      else refuse(socket, "500 Internal Server Error")
    }
  }
}

/** A link that somebody followed: they get the pages, which find their way from there. */
function isForPeople({ method, headers }: IncomingMessage): boolean {
  return method === "GET" && (headers.accept ?? "").includes("text/html")
}

/** What Node reports of requests that it cannot take, in the words of HTTP. */
const CLIENT_ERRORS: ReadonlyMap<string | undefined, string> = new Map([
  ["ERR_HTTP_REQUEST_TIMEOUT", "408 Request Timeout"],
  ["HPE_HEADER_OVERFLOW", "431 Request Header Fields Too Large"],
])

/** Methods are upper-case letters; empty lines before a request are tolerated (RFC 9112 §2.2). */
function isHttp(head: Uint8Array): boolean {
  const byte = head[0]!
  return (byte >= 0x41 && byte <= 0x5a) || byte === 0x0d || byte === 0x0a
}

function refuse(socket: Duplex, status: string, headers: Readonly<Record<string, string>> = {}): void {
  if (socket.destroyed || !socket.writable) return void socket.destroy()
  const lines = Object.entries({ ...headers, connection: "close", "content-length": "0" })
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")
  socket.end(`HTTP/1.1 ${status}\r\n${head}\r\n`, () => socket.destroy())
}

/** A name or address with an optional port, and nothing that means something in a URL or a header. */
const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?$/i

/** The target and the Host header as a URL. Throws `HttpError` 400 where either is not what browsers send. */
function targetOf(request: IncomingMessage): URL {
  // HTTP/1.0 has no Host header; simple health checks still speak it.
  const host = request.headers.host ?? (request.httpVersion === "1.0" ? "localhost" : undefined)
  if (host === undefined || !HOST.test(host))
    throw new HttpError(
      400,
      "bad-host",
      "The Host header is missing or malformed.",
      "Send one Host header.",
      {
        connection: "close",
      },
    )
  const target = request.url ?? ""
  // Not against the URL parser: "//other.example/x" is a path here, and ".." is looked up as it is.
  if (!target.startsWith("/") || !URL.canParse(`http://${host}${target}`))
    throw new HttpError(
      400,
      "bad-target",
      "The request target is malformed.",
      "Send a path that begins with /.",
    )
  return new URL(`http://${host}${target}`)
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? "").split("?")[0]!
}
