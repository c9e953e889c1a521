import type { Evidence } from "../../packages/webrtc/src/contract/index.ts"
import { nodeCrypto } from "../../packages/webrtc/src/crypto/node.ts"
import {
  DtlsListener,
  type DtlsListenerEvent,
  type DtlsListenerOptions,
} from "../../packages/webrtc/src/dtls/index.ts"
import { Driver } from "../../packages/webrtc/src/net/index.ts"

/** Our DTLS server for anybody who comes, which wants a cookie first, on a real socket of 127.0.0.1. */
export class OurListener {
  readonly #driver: Driver<DtlsListenerEvent>
  readonly #listener: DtlsListener
  readonly #connected = Promise.withResolvers<number>()
  readonly #heard = Promise.withResolvers<string>()
  /** What was agreed on with the first client. */
  negotiated:
    | (Evidence & { readonly kind: "negotiated"; readonly version: string; readonly group: string })
    | undefined

  constructor(options: Omit<DtlsListenerOptions, "crypto" | "onData">) {
    this.#listener = new DtlsListener({
      ...options,
      crypto: nodeCrypto,
      onData: d =>
        this.#heard.resolve(new TextDecoder().decode(d.bytes.subarray(d.offset, d.offset + d.length))),
    })
    this.#driver = new Driver(this.#listener, {
      onEvent: ({ path, state, why }) => {
        if (state === "connected") this.#connected.resolve(path)
        if (state === "failed" || state === "closed") this.#connected.reject(new Error(`we ${state}: ${why}`))
      },
      onEvidence: evidence => {
        if (evidence.layer === "dtls" && evidence.kind === "negotiated") this.negotiated = evidence
      },
      onFault: error => this.#connected.reject(error),
    })
    this.#connected.promise.catch(() => {})
  }

  /** Its port. */
  async listen(): Promise<number> {
    return (await this.#driver.listen({ address: "127.0.0.1", port: 0 })).local.port
  }

  /** The path of the first client. */
  get connected(): Promise<number> {
    return this.#connected.promise
  }

  /** The first that it hears. */
  get heard(): Promise<string> {
    return this.#heard.promise
  }

  say(path: number, text: string): void {
    const bytes = new TextEncoder().encode(text)
    this.#driver.command((now, out) => {
      const at = this.#listener.reserve(path, bytes.length, now, out)
      if (at < 0) throw new Error("nothing can be sent")
      out.bytes.set(bytes, at)
      this.#listener.commit(path, bytes.length, now, out)
    })
  }

  async close(): Promise<void> {
    this.#driver.command((now, out) => this.#listener.close(now, out))
    await this.#driver.close()
  }
}
