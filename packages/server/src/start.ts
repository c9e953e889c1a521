import { readFileSync } from "node:fs"
import { join } from "node:path"
import { PROTOCOL_VERSION } from "@tightbeam/client"
import type { Evidence } from "@tightbeam/webrtc/contract"
import { ListenError, ownAddresses, primaryIpv4, type TcpProtocol } from "@tightbeam/webrtc/net"
import { beginsAsStun } from "@tightbeam/webrtc/stun"
import type { Admin } from "./admin/index.ts"
import type { Config } from "./config/index.ts"
import { DataFolder } from "./data/index.ts"
import { clientAddress, HttpError, HttpFront, Pages, Routes, sendJson } from "./http/index.ts"
import { isLoopback, isUnspecified } from "./listening-address.ts"
import { errorText, type Log } from "./log/index.ts"
import {
  announcedAddress,
  announcedV6,
  type IceServers,
  isReachedOverTcp,
  offersTls,
  Relay,
  type RelayCounters,
  tlsHost,
} from "./relay/index.ts"
import type { App, Service } from "./service.ts"
import { portError, type StartError } from "./start-error.ts"
import { loadCertificate } from "./tls/index.ts"

/** Where the built pages are, from source and from dist alike. */
const PAGES_FOLDER = join(import.meta.dirname, "../pages")

export const VERSION: string = (
  JSON.parse(readFileSync(join(import.meta.dirname, "../package.json"), "utf8")) as { version: string }
).version

/** `starting`: not every port is open yet. `draining`: no new calls, the running ones may end. */
export type Phase = "starting" | "ready" | "draining" | "closed"

export interface StartOptions {
  readonly log: Log
  readonly services?: readonly Service[]
  /** Default: `packages/server/pages`. */
  readonly pagesFolder?: string
  readonly onEvidence?: (evidence: Evidence) => void
}

/** A process that runs. */
export interface Running {
  /** `http://localhost:8443/` */
  readonly localUrl: string
  /** What others on this network open; `undefined` where it cannot be reached from there. */
  readonly lanUrl: string | undefined
  readonly httpPort: number
  /** `undefined` where TURN is disabled. */
  readonly turnPort: number | undefined
  /** `undefined` where metrics are disabled. */
  readonly metricsPort: number | undefined
  /** Absolute. */
  readonly dataFolder: string
  readonly pages: number
  readonly phase: Phase
  counters(): Promise<{ readonly relay: RelayCounters | undefined; readonly tcp: object | undefined }>
  /** Reads the certificate's files again. Throws `CertificateError`, and keeps the old one. */
  reloadCertificate(): void
  /** Turns new calls away, waits up to `config.drain` seconds for the running ones, and closes. */
  drain(): Promise<void>
  /** Ends everything now. */
  close(): Promise<void>
}

/**
 * Starts everything that the configuration asks for. Rejects with `StartError`, `DataError` or
 * `CertificateError`; then nothing is left running.
 */
export async function start(config: Config, options: StartOptions): Promise<Running> {
  const process = new Process(config, options)
  try {
    await process.open()
    return process
  } catch (error) {
    await process.close()
    throw error
  }
}

class Process implements Running {
  readonly #config: Config
  readonly #log: Log
  readonly #services: readonly Service[]
  readonly #onEvidence: (evidence: Evidence) => void
  readonly #data: DataFolder
  readonly #pages: Pages
  readonly #front: HttpFront
  readonly #lan: string | undefined
  /** In `turns:` URLs. */
  #tlsHost: string | undefined
  #pem: ReturnType<typeof loadCertificate>
  #relay: Relay | undefined
  #admin: Admin | undefined
  #started: Service[] = []
  #closing: Promise<void> | undefined
  phase: Phase = "starting"
  httpPort = 0
  turnPort: number | undefined

  constructor(config: Config, options: StartOptions) {
    this.#config = config
    this.#log = options.log
    this.#services = options.services ?? []
    this.#onEvidence = options.onEvidence ?? (() => {})
    this.#data = new DataFolder(config.data)
    this.#pages = Pages.load(options.pagesFolder ?? PAGES_FOLDER)
    this.#lan = lanAddress(config)
    this.#front = new HttpFront({
      ...config.http,
      certificate: this.#certificate(),
      routes: this.#routes(),
      pages: this.#pages,
      log: this.#log,
      tcpLimits: {
        connections: config.limits.connections,
        connectionsPerAddress: config.limits.connectionsPerAddress,
        silence: config.limits.silence * 1000,
      },
      connectionRate: {
        perSecond: config.limits.connectsPerSecond,
        burst: config.limits.connectBurst,
        addresses: config.limits.addresses,
      },
      requestRate: {
        perSecond: config.limits.requestsPerSecond,
        burst: config.limits.requestBurst,
        addresses: config.limits.addresses,
      },
      others: config.turn.enabled ? [this.#turnOverStreams()] : [],
    })
  }

  async open(): Promise<void> {
    const { http, turn, metrics } = this.#config
    this.httpPort = await this.#front.listen().catch(error => {
      throw portError("TCP", "http", http, error as NodeJS.ErrnoException)
    })
    // Before the relay, which must know it: nobody reaches it through there.
    if (metrics.enabled) this.#admin = await this.#startAdmin()
    if (turn.enabled) {
      this.#relay = await this.#startRelay()
      this.turnPort = this.#relay.port
    }
    this.phase = "ready"
  }

  get localUrl(): string {
    return `http://localhost:${this.httpPort}/`
  }

  get lanUrl(): string | undefined {
    return lanUrl(this.#config, this.httpPort)
  }

  get metricsPort(): number | undefined {
    return this.#admin?.port
  }

  get dataFolder(): string {
    return this.#data.path
  }

  get pages(): number {
    return this.#pages.size
  }

  async counters(): Promise<{ readonly relay: RelayCounters | undefined; readonly tcp: object | undefined }> {
    return { relay: await this.#relay?.counters(), tcp: this.#front.counters() }
  }

  reloadCertificate(): void {
    const certificate = this.#certificate()
    if (certificate !== undefined) this.#front.replaceCertificate(certificate)
  }

  async drain(): Promise<void> {
    if (this.phase !== "ready") return this.close()
    this.phase = "draining"
    const deadline = Promise.withResolvers<void>()
    const timer = setTimeout(deadline.resolve, this.#config.drain * 1000)
    const drained = this.#started.map(async service => {
      try {
        await service.drain()
      } catch (error) {
        this.#log.error("A service failed to drain", { service: service.name, error: errorText(error) })
      }
    })
    // Who has left the signaling may still talk through the relay.
    await Promise.race([Promise.all([...drained, this.#relay?.drain()]), deadline.promise])
    clearTimeout(timer)
    await this.close()
  }

  close(): Promise<void> {
    this.phase = "closed"
    this.#closing ??= this.#closeAll()
    return this.#closing
  }

  async #closeAll(): Promise<void> {
    for (const service of this.#started) service.close()
    await Promise.all([this.#front.close(), this.#relay?.close(), this.#admin?.close()])
  }

  #certificate(): ReturnType<typeof loadCertificate> {
    const told = [this.#lan ?? [], "127.0.0.1"].flat()
    const certificate = loadCertificate(this.#config.tls, this.#data, { own: ownAddresses(), told })
    this.#pem = certificate
    this.#tlsHost = tlsHost(this.#config, certificate?.cert)
    if (this.#tlsHost === undefined && offersTls(this.#config))
      this.#log.warn(
        "TURN over TLS is not offered: the certificate is self-signed, or has no DNS name. See turn.offerTls and turn.tlsHost",
      )
    return certificate
  }

  async #startAdmin(): Promise<Admin> {
    const { metrics } = this.#config
    // Its library costs time and memory, which only those pay who want it.
    const { Admin } = await import("./admin/index.ts")
    const relay = (): Relay | undefined => this.#relay
    return Admin.start({ metrics, relay, log: this.#log }).catch(error => {
      throw portError("TCP", "metrics", metrics, error as NodeJS.ErrnoException)
    })
  }

  async #startRelay(): Promise<Relay> {
    const { http, turn, metrics } = this.#config
    const listeners = [{ address: http.address, port: this.httpPort }]
    if (this.#admin !== undefined) listeners.push({ address: metrics.address, port: this.#admin.port })
    const announce = announcedAddress(turn)
    try {
      return await Relay.start({
        turn,
        native: this.#config.native,
        announce,
        announceV6: announcedV6(turn),
        secret: this.#data.secret("turn.secret"),
        listeners,
        tcpPort: isReachedOverTcp(http.address, announce) ? this.httpPort : undefined,
        tlsHost: () => this.#tlsHost,
        certificate: this.#pem,
        log: this.#log,
        onEvidence: this.#onEvidence,
      })
    } catch (error) {
      throw error instanceof ListenError ? relayError(turn, error) : error
    }
  }

  #routes(): Routes {
    const routes = new Routes()
    routes.route("GET", "/healthz", ({ response }) => sendJson(response, 200, { status: "alive" }))
    routes.route("GET", "/readyz", ({ response }) =>
      this.phase === "ready"
        ? sendJson(response, 200, { status: "ready" })
        : sendJson(response, 503, { status: "not-ready", reason: this.phase }),
    )
    routes.route("GET", "/api/info", ({ response }) =>
      sendJson(response, 200, {
        name: "tightbeam",
        version: VERSION,
        protocol: PROTOCOL_VERSION,
        access: this.#config.access.mode,
        turn: this.#config.turn.enabled,
        lanUrl: this.lanUrl,
        relayedVideoBitrate: this.#config.turn.relayedVideoBitrate,
      }),
    )
    for (const pattern of ["/", "/r/", "/r/:room", "/r/:room/"])
      routes.route("GET", pattern, ({ request, response }) => {
        if (this.#pages.has("/index.html")) this.#pages.send("/index.html", request, response)
        else throw new HttpError(503, "no-pages", "The pages have not been built.", "Run: npm run build")
      })
    // Any page may load the SDK by a script tag; whether it may connect is asked when it does.
    if (this.#pages.has("/tightbeam.js"))
      routes.route("GET", "/tightbeam.js", ({ request, response }) => {
        response.setHeader("cross-origin-resource-policy", "cross-origin")
        this.#pages.send("/tightbeam.js", request, response)
      })
    const app: App = {
      config: this.#config,
      log: this.#log,
      routes,
      accessSecret: accessSecret(this.#config, this.#data),
      iceServers: (room, participant) => this.#iceServers(room, participant),
      revokeIceServers: (room, participant) => this.#relay?.revoke(room, participant),
      clientAddress: request => clientAddress(request, this.#config.http.trustProxy),
      onEvidence: this.#onEvidence,
    }
    for (const service of this.#services) {
      service.start(app)
      this.#started.push(service)
    }
    return routes
  }

  /** TURN on the TCP port. Who comes before the relay has started may try again. */
  #turnOverStreams(): TcpProtocol {
    return {
      name: "turn",
      matches: head => beginsAsStun(head),
      accept: (socket, transport) => {
        if (this.#relay === undefined) socket.destroy()
        else this.#relay.accept(socket, transport)
      },
    }
  }

  #iceServers(room: string, participant: string): IceServers {
    return (
      this.#relay?.iceServers(room, participant) ?? { iceServers: [], ttl: this.#config.turn.credentialTtl }
    )
  }
}

/** Of the two addresses and ports that the relay may have, what could not be had. */
function relayError(turn: Config["turn"], error: ListenError): StartError {
  const { address, port } = error.local
  const isOfFirst = error.code === "EADDRNOTAVAIL" ? address === turn.address : port === turn.port
  return portError("UDP", isOfFirst ? "turn" : "turn.second", error.local, error)
}

/** What join tokens are signed with: the configured secret, or the one in the data folder. */
export function accessSecret({ access }: Config, data: DataFolder): Uint8Array {
  return access.secret === undefined ? data.secret("access.secret") : new TextEncoder().encode(access.secret)
}

/** What others on the network reach the pages by; `undefined` where they listen on loopback only. */
function lanAddress({ http }: Config): string | undefined {
  if (isUnspecified(http.address)) return primaryIpv4()
  return isLoopback(http.address) ? undefined : http.address
}

/** What others on this network open; `undefined` where they cannot reach it. */
export function lanUrl(config: Config, port: number): string | undefined {
  const lan = lanAddress(config)
  if (lan === undefined) return undefined
  const host = lan.includes(":") ? `[${lan}]` : lan
  return `${config.tls.mode === "off" ? "http" : "https"}://${host}:${port}/`
}
