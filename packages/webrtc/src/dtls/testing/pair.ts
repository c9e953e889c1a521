import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import type { Evidence, Path } from "../../contract/index.ts"
import type { TransportCrypto } from "../../crypto/index.ts"
import {
  type Certificate,
  DtlsConnection,
  type DtlsEvent,
  type DtlsOptions,
  type DtlsOut,
  fingerprintOf,
  selfSignedCertificate,
} from "../index.ts"

/** One key pair for all tests: to make one takes longer than most of them. */
const CERTIFICATES = {
  client: selfSignedCertificate(nodeCrypto),
  server: selfSignedCertificate(nodeCrypto),
}

export type EndOptions = Partial<DtlsOptions>

interface Packet {
  readonly at: number
  readonly to: End
  readonly bytes: Uint8Array
}

/** What happens to a datagram on its way: `undefined` loses it. */
export type Fate = (bytes: Uint8Array, from: End, count: number) => Uint8Array | undefined

/** Two ends with a wire between them, and a clock. */
export class Pair {
  now = 0
  readonly client: End
  readonly server: End
  /** ms, one way. */
  delay = 10
  fate: Fate = bytes => bytes
  sent = 0
  #underWay: Packet[] = []

  constructor(client: EndOptions = {}, server: EndOptions = {}) {
    this.client = new End(this, "client", CERTIFICATES.client, CERTIFICATES.server, client)
    this.server = new End(this, "server", CERTIFICATES.server, CERTIFICATES.client, server)
  }

  start(): this {
    this.server.connection.start(this.now, this.server.out)
    this.client.connection.start(this.now, this.client.out)
    return this
  }

  carry(from: End, bytes: Uint8Array): void {
    const passed = this.fate(bytes, from, this.sent++)
    const to = from === this.client ? this.server : this.client
    if (passed !== undefined) this.inject(to, passed, this.delay)
  }

  /** As if it came from the other end. */
  inject(to: End, bytes: Uint8Array, delay = 0): void {
    this.#underWay.push({ at: this.now + delay, to, bytes })
  }

  /** Until nothing happens any more, or `until`. */
  run(until = 60_000): this {
    for (;;) {
      const packet = this.#next()
      const timer = Math.min(this.client.connection.nextTick, this.server.connection.nextTick)
      const at = Math.min(packet?.at ?? Infinity, timer)
      if (at > until) break
      this.now = Math.max(this.now, at)
      if (packet !== undefined && packet.at <= timer) {
        this.#underWay.splice(this.#underWay.indexOf(packet), 1)
        packet.to.receive(packet.bytes)
      } else {
        for (const end of [this.client, this.server])
          if (end.connection.nextTick <= this.now) end.connection.tick(this.now, end.out)
      }
    }
    if (until !== Infinity && until < 60_000) this.now = until
    return this
  }

  get isConnected(): boolean {
    return this.client.connection.state === "connected" && this.server.connection.state === "connected"
  }

  #next(): Packet | undefined {
    let first: Packet | undefined
    for (const packet of this.#underWay) if (first === undefined || packet.at < first.at) first = packet
    return first
  }
}

export class End {
  readonly connection: DtlsConnection
  readonly certificate: Certificate
  readonly events: DtlsEvent[] = []
  readonly evidence: Evidence[] = []
  readonly received: string[] = []
  readonly sent: Uint8Array[] = []
  connectedAt: number = Infinity
  readonly out: DtlsOut
  readonly #pair: Pair

  constructor(
    pair: Pair,
    role: "client" | "server",
    certificate: Certificate,
    theirs: Certificate,
    options: EndOptions,
  ) {
    this.#pair = pair
    this.certificate = options.certificate ?? certificate
    const crypto: TransportCrypto = options.crypto ?? nodeCrypto
    this.out = this.#makeOut()
    this.connection = new DtlsConnection({
      crypto,
      role,
      certificate: this.certificate,
      remote: [fingerprintOf(crypto, theirs.der, "sha-256")],
      onData: ({ bytes, offset, length }) =>
        this.received.push(new TextDecoder().decode(bytes.subarray(offset, offset + length))),
      ...options,
    })
  }

  receive(bytes: Uint8Array): void {
    const copy = Uint8Array.from(bytes)
    const view = new DataView(copy.buffer)
    this.connection.receive(
      { bytes: copy, view, offset: 0, length: copy.length, path: 0, ecn: 0 },
      this.#pair.now,
      this.out,
    )
  }

  send(text: string): boolean {
    const bytes = new TextEncoder().encode(text)
    const at = this.connection.reserve(bytes.length, this.#pair.now, this.out)
    if (at < 0) return false
    this.out.bytes.set(bytes, at)
    this.connection.commit(bytes.length, this.#pair.now, this.out)
    return true
  }

  get rejected(): string[] {
    return this.evidence.flatMap(each =>
      each.layer === "dtls" && each.kind === "rejected" ? [`${each.what}: ${each.why}`] : [],
    )
  }

  alerts(side: "sent" | "received"): string[] {
    return this.evidence.flatMap(each =>
      each.layer === "dtls" && each.kind === "alert" && each.side === side ? [each.description] : [],
    )
  }

  #makeOut(): DtlsOut {
    const bytes = new Uint8Array(32_768)
    return {
      paths: undefined as never,
      bytes,
      view: new DataView(bytes.buffer),
      reserve: (_path: Path, max: number) => {
        bytes.fill(0, 100, 100 + max)
        return 100
      },
      commit: length => {
        if (length === 0) return
        const datagram = bytes.slice(100, 100 + length)
        this.sent.push(datagram)
        this.#pair.carry(this, datagram)
      },
      forward: () => assertNever("forward"),
      ask: () => assertNever("ask"),
      tell: event => {
        this.events.push(event)
        if (event.state === "connected") this.connectedAt = this.#pair.now
      },
      note: evidence => this.evidence.push(evidence),
    }
  }
}

function assertNever(what: string): never {
  throw new Error(`${what}: a connection has no use for it`)
}
