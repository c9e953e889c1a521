import type { Config } from "../config/index.ts"
import { type Handler, HttpError, HttpFront, Pages, Routes, sendJson } from "../http/index.ts"
import { isLoopback } from "../listening-address.ts"
import type { Log } from "../log/index.ts"
import type { Relay } from "../relay/index.ts"
import { RelayMetrics } from "./relay-metrics.ts"

export interface AdminOptions {
  readonly metrics: Config["metrics"]
  /** `undefined` before it has started, and where TURN is disabled. */
  readonly relay: () => Relay | undefined
  readonly log: Log
}

/** Metrics and costs for the operator, on a listener of their own that no client is told of. */
export class Admin {
  readonly #front: HttpFront
  readonly port: number

  /** Rejects with the system's error (`code`: `EADDRINUSE`, …). */
  static async start(options: AdminOptions): Promise<Admin> {
    const { metrics, log } = options
    if (!isLoopback(metrics.address))
      log.warn("Whoever reaches the metrics' address can read the names of rooms", {
        address: metrics.address,
      })
    const front = new HttpFront({
      address: metrics.address,
      port: metrics.port,
      certificate: undefined,
      trustProxy: false,
      routes: adminRoutes(options),
      pages: new Pages(),
      log,
    })
    return new Admin(front, await front.listen())
  }

  private constructor(front: HttpFront, port: number) {
    this.#front = front
    this.port = port
  }

  close(): Promise<void> {
    return this.#front.close()
  }
}

function adminRoutes({ metrics: { address }, relay }: AdminOptions): Routes {
  const metrics = new RelayMetrics()
  const routes = new Routes()
  const route = (path: string, handler: Handler): void =>
    routes.route("GET", path, exchange => {
      if (isLoopback(address)) assertAskedHere(exchange.url.hostname)
      return handler(exchange)
    })
  route("/metrics", async ({ request, response }) => {
    const reading = await relay()?.reading()
    const text = reading === undefined ? "" : await metrics.text(reading)
    response.setHeader("content-type", metrics.contentType)
    response.setHeader("cache-control", "no-store")
    response.end(request.method === "HEAD" ? undefined : text)
  })
  route("/relay/cost", async ({ response }) => {
    const cost = await relay()?.cost()
    if (cost === undefined)
      throw new HttpError(503, "no-relay", "Nothing is relayed here.", "Set turn.enabled to true.")
    sendJson(response, 200, cost)
  })
  return routes
}

/**
 * A page of another site can be made to resolve to this machine after it was loaded, and then asks for its own name
 * (DNS rebinding). Throws `HttpError` for every name but this machine's.
 */
function assertAskedHere(host: string): void {
  if (host === "localhost" || isLoopback(host.replace(/^\[|\]$/g, ""))) return
  throw new HttpError(400, "bad-host", "This is served to this machine only.", "Ask for localhost.")
}
