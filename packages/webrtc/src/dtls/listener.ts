import { addressGroup, equalBytes } from "../bytes/index.ts"
import {
  BorrowedOut,
  type Datagram,
  Deadlines,
  type Due,
  type Machine,
  type Out,
  type Path,
} from "../contract/index.ts"
import { type AlertDescription, alertBytes } from "./alert.ts"
import { DtlsConnection } from "./connection.ts"
import { ContentType } from "./content-type.ts"
import type { DtlsEvent, DtlsState } from "./events.ts"
import { Failure } from "./failure.ts"
import { Flight } from "./flight.ts"
import { HandshakeType } from "./handshake-type.ts"
import { HelloVerifier, type Verdict } from "./hello-verifier.ts"
import type { DtlsOptions } from "./options.ts"
import { PlaintextWriter } from "./plaintext-record.ts"
import {
  type FragmentHeader,
  HANDSHAKE_HEADER_LENGTH,
  Reassembly,
  type ReceivedMessage,
  readFragmentHeader,
} from "./reassembly.ts"
import { newRecordView, RECORD_HEADER_LENGTH, readRecord } from "./record.ts"
import { type Settings, settingsOf } from "./settings.ts"

export interface DtlsListenerOptions extends Omit<DtlsOptions, "role" | "path"> {
  readonly listenerLimits?: Partial<DtlsListenerLimits>
}

export interface DtlsListenerLimits {
  /** Connections at a time; who comes when there are so many is not answered. */
  readonly connections: number
  /** The same of one IPv4 address, or of one IPv6 network of 64 bits: nobody has them all. */
  readonly connectionsPerAddress: number
  /** Clients of whose ClientHello a part has come; the oldest makes room. */
  readonly partialHellos: number
  /** Bytes of a ClientHello. */
  readonly hello: number
  /** How long a cookie is good, in ms. */
  readonly cookie: number
  /** How long a connection is kept over which nothing comes, in ms. */
  readonly idle: number
}

export const DEFAULT_LISTENER_LIMITS: DtlsListenerLimits = {
  connections: 10_000,
  connectionsPerAddress: 1_000,
  partialHellos: 256,
  hello: 4096,
  cookie: 30_000,
  idle: 660_000,
}

/** Of one client: message_seq counts them, and one that was sent two challenges has sent three. */
const HELLOS = 8
/** Pieces of a ClientHello that are kept until the rest comes. */
const HELLO_FRAGMENTS = 8

/** A challenge is one small datagram. */
const CHALLENGE_MTU = 512

/** `path` is secured while it is "connected". */
export interface DtlsListenerEvent {
  readonly path: Path
  readonly state: DtlsState
  readonly why: string
}

/**
 * A DTLS server for anybody who comes: many connections, by path. Nothing is kept for who has not shown, by a cookie, that
 * it is where it says, but the parts of a few ClientHellos that do not fit into one datagram.
 */
export class DtlsListener implements Machine<DtlsListenerEvent> {
  readonly #options: DtlsListenerOptions
  readonly #settings: Settings
  readonly #limits: DtlsListenerLimits
  readonly #verifier: HelloVerifier
  readonly #members = new Map<Path, Member>()
  /** How many of them there are. */
  readonly #bySource = new Map<string, number>()
  readonly #deadlines = new Deadlines<Member>()
  /** In the order in which they began. */
  readonly #partial = new Map<Path, Reassembly>()
  readonly #record = newRecordView()
  readonly #fragment: FragmentHeader = { type: 0, length: 0, sequence: 0, offset: 0, fragmentLength: 0 }

  /** Throws a TypeError or RangeError that names the option that makes no sense. */
  constructor(options: DtlsListenerOptions) {
    this.#options = options
    this.#settings = settingsOf({ ...options, role: "server" })
    this.#limits = { ...DEFAULT_LISTENER_LIMITS, ...options.listenerLimits }
    this.#verifier = new HelloVerifier(this.#settings, this.#limits.cookie)
  }

  get size(): number {
    return this.#members.size
  }

  get nextTick(): number {
    return this.#deadlines.next
  }

  /** Whether what goes over this path is secured. */
  isConnected(path: Path): boolean {
    return this.#members.get(path)?.connection.state === "connected"
  }

  receive(d: Datagram, now: number, out: Out<DtlsListenerEvent>): void {
    const member = this.#members.get(d.path)
    // A ClientHello on a path that has a connection: its client may have begun anew (RFC 6347 §4.2.8).
    const isHello = d.length > RECORD_HEADER_LENGTH && isPlainHello(d)
    if (member === undefined || (isHello && member.connection.state === "connected"))
      return this.#receiveStranger(d, now, out)
    member.heardAt = now
    member.connection.receive(d, now, member.through(out))
    this.#settle(member, now, out)
  }

  reply(): void {
    // It asks for nothing.
  }

  tick(now: number, out: Out<DtlsListenerEvent>): void {
    for (let member = this.#deadlines.take(now); member !== undefined; member = this.#deadlines.take(now)) {
      const { connection } = member
      if (now >= member.heardAt + this.#limits.idle) connection.close(now, member.through(out))
      else connection.tick(now, member.through(out))
      this.#settle(member, now, out)
      if (member.due <= now) return
    }
  }

  /** As `DtlsConnection.reserve`, on a path that is connected. */
  reserve(path: Path, max: number, now: number, out: Out<DtlsListenerEvent>): number {
    const member = this.#members.get(path)
    return member?.connection.reserve(max, now, member.through(out)) ?? -1
  }

  commit(path: Path, length: number, now: number, out: Out<DtlsListenerEvent>): void {
    const member = this.#members.get(path)
    member?.connection.commit(length, now, member.through(out))
  }

  /** Says goodbye to everybody. */
  close(now: number, out: Out<DtlsListenerEvent>): void {
    for (const member of this.#members.values()) {
      member.connection.close(now, member.through(out))
      this.#settle(member, now, out)
    }
  }

  #receiveStranger(d: Datagram, now: number, out: Out<DtlsListenerEvent>): void {
    const end = d.offset + d.length
    const record = this.#record
    if (!readRecord(d.bytes, d.offset, end, 0, record) || record.isUnified) return
    if (record.type !== ContentType.handshake || record.epoch !== 0) return
    const message = this.#helloIn(d, record.bodyAt, record.bodyAt + record.length)
    if (message === undefined) return
    const verdict = this.#verifier.judge(message, out.paths.remote(d.path), now)
    if (verdict instanceof Failure) return sendAlert(d.path, verdict.alert, record.sequence, out)
    if (verdict.type === "challenge")
      return sendChallenge(d.path, verdict, message.sequence, record.sequence, out)
    // The one that its connection began with, doubled on the way: a client that begins anew has another random.
    if (this.#members.get(d.path)?.hasBegunWith(verdict.random) === true) return
    this.#begin(
      d.path,
      verdict.random,
      { steps: verdict.steps, sequence: message.sequence, record: record.sequence },
      now,
      out,
    )
  }

  /** A whole ClientHello, of this datagram and those before it. */
  #helloIn(d: Datagram, at: number, end: number): ReceivedMessage | undefined {
    const fragment = this.#fragment
    const { hello } = this.#limits
    if (!readFragmentHeader(d.bytes, at, end, fragment)) return undefined
    const isHello = fragment.type === HandshakeType.clientHello && fragment.sequence < HELLOS
    if (!isHello || fragment.length > hello) return undefined
    const bodyAt = at + HANDSHAKE_HEADER_LENGTH
    if (fragment.fragmentLength === fragment.length) {
      this.#partial.delete(d.path)
      const body = d.bytes.slice(bodyAt, bodyAt + fragment.length)
      return { type: fragment.type, sequence: fragment.sequence, epoch: 0, body }
    }
    let partial = this.#partial.get(d.path)
    if (partial === undefined || partial.next !== fragment.sequence) {
      partial = new Reassembly(
        { ...this.#settings.limits, message: hello, fragments: HELLO_FRAGMENTS },
        fragment.sequence,
      )
      this.#partial.delete(d.path)
      this.#partial.set(d.path, partial)
      if (this.#partial.size > this.#limits.partialHellos)
        this.#partial.delete(this.#partial.keys().next().value!)
    }
    partial.add(fragment, 0, d.bytes, bodyAt)
    const message = partial.take()
    if (message !== undefined) this.#partial.delete(d.path)
    return message
  }

  #begin(
    path: Path,
    random: Uint8Array,
    verified: ConstructorParameters<typeof DtlsConnection>[1],
    now: number,
    out: Out<DtlsListenerEvent>,
  ): void {
    const before = this.#members.get(path)
    if (before !== undefined) {
      before.connection.close(now, before.through(out))
      this.#settle(before, now, out)
    }
    if (this.#members.size >= this.#limits.connections) return
    const source = addressGroup(out.paths.remote(path).ip)
    const ofSource = this.#bySource.get(source) ?? 0
    if (ofSource >= this.#limits.connectionsPerAddress) return
    this.#bySource.set(source, ofSource + 1)
    const { listenerLimits: _, ...options } = this.#options
    const connection = new DtlsConnection({ ...options, role: "server", path }, verified)
    const member = new Member(path, source, connection, random, now)
    this.#members.set(path, member)
    out.paths.hold(path)
    connection.start(now, member.through(out))
    this.#settle(member, now, out)
  }

  #forgetOneOf(source: string): void {
    const others = this.#bySource.get(source)! - 1
    if (others > 0) this.#bySource.set(source, others)
    else this.#bySource.delete(source)
  }

  #settle(member: Member, now: number, out: Out<DtlsListenerEvent>): void {
    const { connection, path } = member
    if (connection.state === "closed" || connection.state === "failed") {
      if (this.#members.get(path) !== member) return
      this.#members.delete(path)
      this.#deadlines.remove(member)
      this.#forgetOneOf(member.source)
      out.paths.release(path)
      return
    }
    const due = Math.max(now, Math.min(connection.nextTick, member.heardAt + this.#limits.idle))
    if (member.place < 0 || due < member.due || connection.nextTick < Infinity)
      this.#deadlines.set(member, due)
  }
}

/** One client's connection. */
class Member extends BorrowedOut<DtlsEvent, DtlsListenerEvent> implements Due {
  due = Infinity
  place = -1
  /** When it last sent anything. */
  heardAt: number
  readonly path: Path
  readonly source: string
  readonly connection: DtlsConnection
  /** Of the client. */
  readonly #random: Uint8Array

  constructor(path: Path, source: string, connection: DtlsConnection, random: Uint8Array, now: number) {
    super()
    this.path = path
    this.source = source
    this.connection = connection
    this.#random = Uint8Array.from(random)
    this.heardAt = now
  }

  /** Whether the ClientHello with this random is its own. */
  hasBegunWith(random: Uint8Array): boolean {
    return equalBytes(this.#random, random)
  }

  tell({ state, why }: DtlsEvent): void {
    this.ours.tell({ path: this.path, state, why })
  }
}

/** Whether a datagram begins with a ClientHello that anybody could have written. */
function isPlainHello({ bytes, offset }: Datagram): boolean {
  const epoch = bytes[offset + 3]! + bytes[offset + 4]!
  const isHandshake = bytes[offset] === ContentType.handshake && epoch === 0
  return isHandshake && bytes[offset + RECORD_HEADER_LENGTH] === HandshakeType.clientHello
}

/** The answer to a ClientHello from nobody yet: its record and itself have the numbers of that one (RFC 6347 §4.2.1). */
function sendChallenge(
  path: Path,
  { handshakeType, body }: Extract<Verdict, { readonly type: "challenge" }>,
  sequence: number,
  record: number,
  out: Out<DtlsListenerEvent>,
): void {
  const flight = new Flight()
  flight.add({ type: handshakeType, sequence, body }, new PlaintextWriter(record))
  flight.send({ path, mtu: CHALLENGE_MTU, recordSizeLimit: () => CHALLENGE_MTU }, out)
}

/** To whom nothing could be agreed on with: smaller than any ClientHello, so nobody is flooded with it. */
function sendAlert(
  path: Path,
  description: AlertDescription,
  record: number,
  out: Out<DtlsListenerEvent>,
): void {
  const writer = new PlaintextWriter(record)
  const content = alertBytes(description)
  const at = out.reserve(path, writer.front + content.length)
  out.bytes.set(content, at + writer.front)
  out.commit(writer.seal(ContentType.alert, out.bytes, at, content.length))
}
