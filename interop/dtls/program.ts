import { type ChildProcess, spawn } from "node:child_process"
import { createInterface } from "node:readline"
import type { AeadAlgorithm, Group } from "../../packages/webrtc/src/crypto/index.ts"
import type { DtlsVersion, SrtpProfile } from "../../packages/webrtc/src/dtls/index.ts"

/**
 * What somebody else's program is told, as words `name=value`; lists have commas between. All of them are on 127.0.0.1,
 * a server on a port of its choosing. It wants a certificate of the other end, and takes any: who runs it compares.
 */
export interface PeerOptions {
  readonly role: "client" | "server"
  /** Of the server, for a client. */
  readonly port?: number
  readonly versions: readonly DtlsVersion[]
  readonly groups: readonly Group[]
  readonly aeads: readonly AeadAlgorithm[]
  readonly srtp: readonly SrtpProfile[]
  /** PEM files. */
  readonly certificate: string
  readonly key: string
  /** Bytes of a datagram. */
  readonly mtu?: number
  /** The connection ID that it wants, in hex. */
  readonly cid?: string
  /** Bytes of a record at most (RFC 8449). */
  readonly limit?: number
  /** A server makes the client prove its address first. */
  readonly cookie?: 1
  /** After how many of the first messages it replaces its keys. */
  readonly update?: number
}

/** What one end says that was agreed on. What a program cannot tell is not there. */
export interface Agreed {
  readonly version: string
  /** IANA's name. */
  readonly cipherSuite?: string
  readonly group?: string
  /** Empty: none. */
  readonly srtp: string
  /** "EXTRACTOR-dtls_srtp", as many bytes as the keys and salts of the profile have together, in hex. */
  readonly exporter: string
  /** SHA-256 of the certificate that it was shown, in hex. */
  readonly fingerprint: string
  /** How long the ID is that it writes, and the one that it reads. */
  readonly connectionIds?: readonly [number, number]
}

type Said =
  | { readonly type: "listening"; readonly port: number }
  | ({ readonly type: "connected" } & Agreed)
  | { readonly type: "failed"; readonly why: string }
  | { readonly type: "closed" }

/** Somebody else's DTLS as a program. Every message that it hears it sends back with "echo: " in front. */
export class ProgramPeer {
  readonly #child: ChildProcess
  readonly #listening = Promise.withResolvers<number>()
  readonly #connected = Promise.withResolvers<Agreed>()
  readonly #closed = Promise.withResolvers<void>()
  #errors = ""

  constructor(command: readonly string[], options: PeerOptions) {
    const words = Object.entries(options).map(([name, value]) => `${name}=${String(value)}`)
    const [program, ...args] = [...command, ...words] as [string, ...string[]]
    this.#child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] })
    this.#child.stderr!.on("data", chunk => (this.#errors += chunk))
    createInterface({ input: this.#child.stdout! }).on("line", line => this.#hear(line))
    this.#child.on("error", error => this.#end(error.message))
    this.#child.on("close", code =>
      this.#end(`it ended with ${code}: ${this.#errors.trim().split("\n").at(-1) ?? ""}`),
    )
    // Whoever waits hears of it; nobody may be waiting yet.
    this.#listening.promise.catch(() => {})
    this.#connected.promise.catch(() => {})
    this.#closed.promise.catch(() => {})
  }

  /** The port of a server. */
  get listening(): Promise<number> {
    return this.#listening.promise
  }

  get connected(): Promise<Agreed> {
    return this.#connected.promise
  }

  /** Resolves once it heard that the other end closed. */
  get closed(): Promise<void> {
    return this.#closed.promise
  }

  close(): void {
    this.#child.kill()
  }

  #hear(line: string): void {
    // Some print what they do; only objects are meant for us.
    if (!line.startsWith("{")) return
    const said = JSON.parse(line) as Said
    if (said.type === "listening") this.#listening.resolve(said.port)
    if (said.type === "connected") this.#connected.resolve(said)
    if (said.type === "closed") this.#closed.resolve()
    if (said.type === "failed") this.#end(`it says "${said.why}"`)
  }

  #end(why: string): void {
    const error = new Error(why)
    this.#listening.reject(error)
    this.#connected.reject(error)
    this.#closed.reject(error)
  }
}
