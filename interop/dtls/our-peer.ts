import type { Datagram, Machine, Path, Reply } from "../../packages/webrtc/src/contract/index.ts"
import { nodeCrypto } from "../../packages/webrtc/src/crypto/node.ts"
import {
  DtlsConnection,
  type DtlsEvent,
  type DtlsOptions,
  type DtlsOut,
  SRTP_PROFILES,
} from "../../packages/webrtc/src/dtls/index.ts"
import { Driver } from "../../packages/webrtc/src/net/index.ts"
import type { Agreed } from "./program.ts"

const LABEL = "EXTRACTOR-dtls_srtp"

export type OurOptions = Omit<DtlsOptions, "crypto" | "path" | "onData">

/** Our DTLS on a real socket of 127.0.0.1. */
export class OurPeer {
  readonly #driver: Driver<DtlsEvent>
  readonly #machine: OnFirstPath
  readonly #listening: Promise<{ readonly socket: number; readonly port: number }>
  readonly #connected = Promise.withResolvers<Agreed>()
  readonly #heard: string[] = []
  #onRejected: (() => void) | undefined
  hasConnected = false
  #onText: ((text: string) => void) | undefined
  #isClosed = false
  /** What it found wrong with what came. */
  readonly rejected: string[] = []

  constructor(options: OurOptions) {
    this.#machine = new OnFirstPath({ ...options, crypto: nodeCrypto, onData: d => this.#hear(d) })
    this.#driver = new Driver(this.#machine, {
      onEvent: event => this.#take(event),
      onEvidence: evidence => {
        if (evidence.layer !== "dtls" || evidence.kind !== "rejected") return
        this.rejected.push(`${evidence.what}: ${evidence.why}`)
        this.#onRejected?.()
      },
      onFault: error => this.#connected.reject(error),
    })
    this.#listening = this.#driver
      .listen({ address: "127.0.0.1", port: 0 })
      .then(({ socket, local }) => ({ socket, port: local.port }))
    this.#connected.promise.catch(() => {})
  }

  /** The port that it is reached at. */
  async listen(): Promise<number> {
    return (await this.#listening).port
  }

  /** Where it is a client: to a port of 127.0.0.1. */
  async connect(port: number): Promise<void> {
    const { socket } = await this.#listening
    this.#driver.command((now, out) => {
      const path = out.paths.open(socket, { ip: Uint8Array.of(127, 0, 0, 1), port })
      this.#machine.open(path, now, out)
    })
  }

  /** Rejects where it failed. */
  get connected(): Promise<Agreed> {
    return this.#connected.promise
  }

  /** Resolves once it found such a thing wrong. */
  refused(what: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#onRejected = () => {
      if (this.rejected.some(each => each.startsWith(what))) resolve()
    }
    this.#onRejected()
    return promise
  }

  say(text: string): void {
    if (this.#isClosed) return
    const bytes = new TextEncoder().encode(text)
    this.#driver.command((now, out) => {
      const connection = this.#machine.connection!
      const at = connection.reserve(bytes.length, now, out)
      if (at < 0) throw new Error("nothing can be sent")
      out.bytes.set(bytes, at)
      connection.commit(bytes.length, now, out)
    })
  }

  /** Resolves once it heard that. */
  hear(text: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#onText = each => {
      if (each === text) resolve()
    }
    for (const each of this.#heard) this.#onText(each)
    return promise
  }

  updateKeys(): void {
    this.#driver.command((now, out) => this.#machine.connection!.updateKeys(now, out))
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#listening.catch(() => {})
    this.#driver.command((now, out) => this.#machine.connection?.close(now, out))
    await this.#driver.close()
  }

  #hear(d: Datagram): void {
    const text = new TextDecoder().decode(d.bytes.subarray(d.offset, d.offset + d.length))
    this.#heard.push(text)
    this.#onText?.(text)
  }

  #take({ state, why }: DtlsEvent): void {
    this.hasConnected ||= state === "connected"
    if (state === "connected") this.#connected.resolve(this.#agreed())
    if (state === "failed" || state === "closed") this.#connected.reject(new Error(`we ${state}: ${why}`))
  }

  #agreed(): Agreed {
    const { version, cipherSuite, group, srtp } = this.#machine.connection!
    const profile = SRTP_PROFILES[srtp?.profile ?? "AES128_CM_HMAC_SHA1_80"]
    const exported = this.#machine.connection!.exportKeyingMaterial(LABEL, 2 * (profile.key + profile.salt))
    return {
      version: version ?? "",
      cipherSuite: cipherSuite ?? "",
      group: group ?? "",
      srtp: srtp?.profile ?? "",
      exporter: Buffer.from(exported).toString("hex"),
      fingerprint: "",
    }
  }
}

/** A connection with whom it is told to open one, or with whoever speaks first. */
class OnFirstPath implements Machine<DtlsEvent> {
  readonly #options: Omit<DtlsOptions, "path">
  connection: DtlsConnection | undefined

  constructor(options: Omit<DtlsOptions, "path">) {
    this.#options = options
  }

  get nextTick(): number {
    return this.connection?.nextTick ?? Infinity
  }

  open(path: Path, now: number, out: DtlsOut): DtlsConnection {
    out.paths.hold(path)
    this.connection = new DtlsConnection({ ...this.#options, path })
    this.connection.start(now, out)
    return this.connection
  }

  receive(d: Datagram, now: number, out: DtlsOut): void {
    const connection = this.connection ?? this.open(d.path, now, out)
    connection.receive(d, now, out)
  }

  reply(_reply: Reply): void {
    // It asks for nothing.
  }

  tick(now: number, out: DtlsOut): void {
    this.connection?.tick(now, out)
  }
}
