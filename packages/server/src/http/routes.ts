import type { IncomingMessage, ServerResponse } from "node:http"
import type { Duplex } from "node:stream"
import type { Address } from "@tightbeam/webrtc/bytes"
import { HttpError } from "./http-error.ts"

/** One request and its answer. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Of the request target; its host is what the client says it is. */
  readonly url: URL
  /** What stood at `:name` in the pattern, decoded. */
  readonly params: Readonly<Record<string, string>>
  readonly client: Address
}

/** Answers, or throws `HttpError` to have it answered; anything else thrown is a bug and answered with 500. */
export type Handler = (exchange: Exchange) => void | Promise<void>
export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

interface Route {
  readonly segments: readonly string[]
  readonly methods: Map<string, Handler>
}

export interface Match {
  readonly handler: Handler
  readonly params: Readonly<Record<string, string>>
}

/** Which path is answered by whom. */
export class Routes {
  readonly #routes = new Map<string, Route>()
  readonly #upgrades = new Map<string, UpgradeHandler>()

  /** `pattern` is a path; a segment `:name` stands for any one segment. GET also answers HEAD. */
  route(method: string, pattern: string, handler: Handler): void {
    const route = this.#routes.get(pattern) ?? { segments: pattern.split("/"), methods: new Map() }
    this.#routes.set(pattern, route)
    if (route.methods.has(method)) throw new Error(`route: ${method} ${pattern} has a handler already`)
    route.methods.set(method, handler)
    if (method === "GET") route.methods.set("HEAD", handler)
  }

  /** Takes the WebSocket upgrades of exactly this path. */
  onUpgrade(path: string, handler: UpgradeHandler): void {
    this.#upgrades.set(path, handler)
  }

  upgrade(path: string): UpgradeHandler | undefined {
    return this.#upgrades.get(path)
  }

  /** `undefined` when no pattern fits; throws `HttpError` 405 when one does with other methods. */
  match(method: string, path: string): Match | undefined {
    const segments = path.split("/")
    for (const route of this.#routes.values()) {
      const params = fit(route.segments, segments)
      if (params === undefined) continue
      const handler = route.methods.get(method)
      if (handler !== undefined) return { handler, params }
      const allow = [...route.methods.keys()].join(", ")
      throw new HttpError(405, "method-not-allowed", `${method} is not possible here.`, `Use ${allow}.`, {
        allow,
      })
    }
    return undefined
  }
}

function fit(pattern: readonly string[], segments: readonly string[]): Record<string, string> | undefined {
  if (pattern.length !== segments.length) return undefined
  const params: Record<string, string> = {}
  for (const [i, wanted] of pattern.entries()) {
    const segment = segments[i]!
    if (!wanted.startsWith(":")) {
      if (wanted !== segment) return undefined
    } else {
      const value = decode(segment)
      if (value === undefined || value === "") return undefined
      params[wanted.slice(1)] = value
    }
  }
  return params
}

function decode(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}
