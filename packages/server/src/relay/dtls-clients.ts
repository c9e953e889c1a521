import { createPrivateKey, X509Certificate } from "node:crypto"
import {
  BorrowedOut,
  type Datagram,
  type Machine,
  type Out,
  type Path,
  type Reply,
  type Socket,
} from "@tightbeam/webrtc/contract"
import { chooseCiphers } from "@tightbeam/webrtc/crypto/ciphers"
import { nodeCrypto, privateKeyFrom } from "@tightbeam/webrtc/crypto/node"
import {
  type Certificate,
  DtlsListener,
  type DtlsListenerEvent,
  selfSignedCertificate,
} from "@tightbeam/webrtc/dtls"
import type { TurnEvent } from "@tightbeam/webrtc/turn"

/** What clients over DTLS are shown; PEM. Without it, a certificate that nobody vouches for. */
export interface DtlsSettings {
  readonly cert?: string
  readonly key?: string
  /** As the setting of that name: whether OpenSSL may be called by itself. */
  readonly native: "auto" | "off"
}

const FIRST_DTLS = 20
const LAST_DTLS = 63

/**
 * A TURN server whose clients may also come over DTLS (RFC 7350), to the same UDP port: told apart by the first byte
 * (RFC 7983 §7). The server within sees what they say and answers them on their path, as if there were none.
 */
export class DtlsClients implements Machine<TurnEvent> {
  readonly #server: Machine<TurnEvent>
  readonly #sockets: readonly Socket[]
  readonly #listener: DtlsListener
  readonly #out: SecuredOut
  readonly #listenerOut: ListenerOut

  /** `sockets`: where clients come to. Throws what node:crypto does for a certificate or key that it cannot read. */
  constructor(server: Machine<TurnEvent>, sockets: readonly Socket[], settings: DtlsSettings) {
    this.#server = server
    this.#sockets = sockets
    this.#listener = new DtlsListener({
      crypto: { ...nodeCrypto, ...chooseCiphers(settings.native).ciphers },
      certificate: certificateOf(settings),
      // They prove who they are by TURN's credentials.
      remote: "anybody",
      onData: (d, now) => this.#server.receive(d, now, this.#out),
    })
    this.#out = new SecuredOut(this.#listener)
    this.#listenerOut = new ListenerOut(this.#out, ({ path, state }, now, out) => {
      // The connection is the client's 5-tuple (RFC 8656 §3.2).
      if (state === "closed" || state === "failed") this.#server.closed?.(path, now, out)
    })
  }

  get nextTick(): number {
    return Math.min(this.#server.nextTick, this.#listener.nextTick)
  }

  receive(d: Datagram, now: number, out: Out<TurnEvent>): void {
    const first = d.length > 0 ? d.bytes[d.offset]! : 0
    const isDtls = first >= FIRST_DTLS && first <= LAST_DTLS && this.#isFromClient(d.path, out)
    if (isDtls) {
      this.#out.at(now, out)
      return this.#listener.receive(d, now, this.#listenerOut.at(now, out))
    }
    // On a path that is secured, what comes in the clear is somebody else's.
    if (this.#listener.isConnected(d.path)) return
    this.#server.receive(d, now, this.#outFor(now, out))
  }

  reply(answer: Reply, now: number, out: Out<TurnEvent>): void {
    this.#server.reply(answer, now, this.#outFor(now, out))
  }

  tick(now: number, out: Out<TurnEvent>): void {
    if (now >= this.#listener.nextTick) {
      this.#out.at(now, out)
      this.#listener.tick(now, this.#listenerOut.at(now, out))
    }
    this.#server.tick(now, this.#outFor(now, out))
  }

  closed(path: Path, now: number, out: Out<TurnEvent>): void {
    this.#server.closed?.(path, now, out)
  }

  /** Says goodbye to all of them. */
  close(now: number, out: Out<TurnEvent>): void {
    this.#out.at(now, out)
    this.#listener.close(now, this.#listenerOut.at(now, out))
  }

  /** Without clients over DTLS nothing is in the way of the others. */
  #outFor(now: number, out: Out<TurnEvent>): Out<TurnEvent> {
    return this.#listener.size === 0 ? out : this.#out.at(now, out)
  }

  #isFromClient(path: Path, out: Out<TurnEvent>): boolean {
    return this.#sockets.includes(out.paths.socket(path))
  }
}

/** What leaves on a path that is secured is sealed on the way. */
class SecuredOut extends BorrowedOut<TurnEvent, TurnEvent> {
  readonly #listener: DtlsListener
  readonly #quiet: QuietOut = new QuietOut()
  #now = 0
  /** Where the last `reserve` was for. */
  #path: Path = -1
  #kind: "plain" | "secured" | "dropped" = "plain"
  forwardUnfragmented?: (d: Datagram, skip: number, length: number, path: Path) => void

  constructor(listener: DtlsListener) {
    super()
    this.#listener = listener
  }

  at(now: number, out: Out<TurnEvent>): this {
    this.#now = now
    this.#quiet.through(out)
    if (out.forwardUnfragmented === undefined) delete this.forwardUnfragmented
    else this.forwardUnfragmented = (d, skip, length, path) => out.forwardUnfragmented!(d, skip, length, path)
    return this.through(out)
  }

  override reserve(path: Path, max: number): number {
    this.#path = path
    this.#kind = "plain"
    if (!this.#listener.isConnected(path)) return super.reserve(path, max)
    const at = this.#listener.reserve(path, max, this.#now, this.#quiet)
    this.#kind = at < 0 ? "dropped" : "secured"
    // More than a record takes: room to write to, for nothing.
    return at < 0 ? super.reserve(path, max) : at
  }

  override commit(length: number): void {
    if (this.#kind === "secured" && length > 0)
      return this.#listener.commit(this.#path, length, this.#now, this.#quiet)
    super.commit(this.#kind === "plain" ? length : 0)
  }

  override forward(d: Datagram, skip: number, length: number, path: Path): void {
    if (!this.#listener.isConnected(path)) return super.forward(d, skip, length, path)
    const at = this.reserve(path, length)
    const from = d.offset + skip
    this.bytes.set(d.bytes.subarray(from, from + length), at)
    this.commit(length)
  }

  tell(event: TurnEvent): void {
    this.ours.tell(event)
  }
}

/** Of what is sealed, nothing is told. */
class QuietOut extends BorrowedOut<DtlsListenerEvent, TurnEvent> {
  tell(): void {}
}

/** What the listener says itself goes out as it is. */
class ListenerOut extends BorrowedOut<DtlsListenerEvent, TurnEvent> {
  readonly #secured: SecuredOut
  readonly #heard: (event: DtlsListenerEvent, now: number, out: Out<TurnEvent>) => void
  #now = 0

  constructor(
    secured: SecuredOut,
    heard: (event: DtlsListenerEvent, now: number, out: Out<TurnEvent>) => void,
  ) {
    super()
    this.#secured = secured
    this.#heard = heard
  }

  at(now: number, out: Out<TurnEvent>): this {
    this.#now = now
    return this.through(out)
  }

  tell(event: DtlsListenerEvent): void {
    this.#heard(event, this.#now, this.#secured)
  }
}

function certificateOf({ cert, key }: DtlsSettings): Certificate {
  if (cert === undefined || key === undefined) return selfSignedCertificate(nodeCrypto)
  const blocks = cert.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  const [der, ...chain] = blocks.map(block => new Uint8Array(new X509Certificate(block).raw))
  return { der: der!, chain, privateKey: privateKeyFrom(createPrivateKey(key)) }
}
