import { type Datagram, HEADROOM, type Machine, TAILROOM } from "../contract/index.ts"
import { Acknowledgements, readAck } from "./acknowledgements.ts"
import { ALERT_LENGTH, AlertDescription, alertBytes, alertName, isFatal } from "./alert.ts"
import { clientHandshake } from "./client.ts"
import { ContentType, MAX_PLAINTEXT } from "./content-type.ts"
import type { DtlsEvent, DtlsOut, DtlsState } from "./events.ts"
import { Failure, type Rejected } from "./failure.ts"
import { Flight } from "./flight.ts"
import { type Expected, Handshake, type Steps } from "./handshake.ts"
import { PROTECTED_EPOCH } from "./handshake-12.ts"
import { APPLICATION_EPOCH, HANDSHAKE_EPOCH } from "./handshake-13.ts"
import { handshakeName } from "./handshake-type.ts"
import type { DtlsOptions, DtlsVersion } from "./options.ts"
import { PostHandshake } from "./post-handshake.ts"
import {
  type FragmentHeader,
  HANDSHAKE_HEADER_LENGTH,
  Reassembly,
  type ReceivedMessage,
  readFragmentHeader,
} from "./reassembly.ts"
import { newRecordView, readRecord } from "./record.ts"
import { RecordLayer } from "./record-layer.ts"
import type { Opened } from "./record-protection.ts"
import { Retransmission } from "./retransmission.ts"
import { serverHandshake } from "./server.ts"
import { type Settings, settingsOf } from "./settings.ts"
import { exportSrtpKeys } from "./srtp-keys.ts"
import type { SrtpKeys } from "./srtp-profile.ts"

/** What a server goes on from that kept nothing before the client proved its address. */
export interface Verified {
  /** The handshake from its second ClientHello on. */
  readonly steps: (h: Handshake) => Steps
  /** message_seq of that ClientHello, and the sequence number of its record: ours begin there (RFC 6347 §4.2.1). */
  readonly sequence: number
  readonly record: number
}

/**
 * One DTLS connection, 1.2 (RFC 6347) or 1.3 (RFC 9147), from its first flight to its last alert. Before it is "connected",
 * which it is not before the other end proved the certificate that was promised, no byte of data and no key leaves it.
 */
export class DtlsConnection implements Machine<DtlsEvent> {
  readonly #settings: Settings
  readonly #onData: DtlsOptions["onData"]
  readonly #record = newRecordView()
  readonly #opened: Opened = { type: 0, at: 0, length: 0, sequence: 0 }
  readonly #fragment: FragmentHeader = { type: 0, length: 0, sequence: 0, offset: 0, fragmentLength: 0 }
  readonly #acknowledgements = new Acknowledgements()
  readonly #rejected = new Set<string>()
  readonly #data: Datagram
  readonly #layer: RecordLayer
  #reassembly: Reassembly
  readonly #retransmission: Retransmission
  #h: Handshake
  #steps: Steps | undefined
  #expected: Expected | undefined
  #after: PostHandshake | undefined
  #state: DtlsState = "new"
  #srtp: SrtpKeys | undefined
  /** Why it will have failed, unless the handshake goes on. */
  #doubt: string | undefined
  #ackDue = Infinity
  #deadline = Infinity
  /** Where `reserve` made room. */
  #reservedAt = -1

  /** Throws a TypeError or RangeError that names the option that makes no sense. */
  constructor(options: DtlsOptions, verified?: Verified) {
    this.#settings = settingsOf(options)
    this.#onData = options.onData
    const { limits, path, mtu } = this.#settings
    const bytes = new Uint8Array(0)
    this.#data = { bytes, view: new DataView(bytes.buffer), offset: 0, length: 0, path, ecn: 0 }
    this.#layer = new RecordLayer(limits)
    this.#reassembly = new Reassembly(limits, verified === undefined ? 0 : verified.sequence + 1)
    this.#h = this.#newHandshake(verified?.sequence, verified?.record)
    this.#retransmission = new Retransmission(limits, {
      path,
      mtu,
      recordSizeLimit: () => this.#h.recordSizeLimit,
    })
    if (verified !== undefined) this.#steps = verified.steps(this.#h)
  }

  get state(): DtlsState {
    return this.#state
  }

  get version(): DtlsVersion | undefined {
    return this.#h.agreement?.version
  }

  get cipherSuite(): string | undefined {
    return this.#h.agreement?.suite.name
  }

  get group(): string | undefined {
    return this.#h.agreement?.group
  }

  /** Once "connected", where a profile was agreed on. */
  get srtp(): SrtpKeys | undefined {
    return this.#srtp
  }

  get nextTick(): number {
    return Math.min(this.#retransmission.due, this.#ackDue, this.#deadline)
  }

  /** A client speaks, a server listens. */
  start(now: number, out: DtlsOut): void {
    if (this.#state !== "new") return
    this.#deadline = now + this.#settings.limits.handshake
    this.#enter(
      "connecting",
      this.#settings.role === "client" ? "we begin" : "we wait for the other end",
      out,
    )
    this.#steps ??= this.#newSteps()
    this.#step(this.#steps.next(), now, out)
  }

  /** How long a packet takes to the other end and back, in ms: timeouts of handshakes follow it. */
  roundTrip(ms: number): void {
    this.#retransmission.roundTrip = ms
  }

  /** Bytes from where ICE says that the other end is. */
  receive(d: Datagram, now: number, out: DtlsOut): void {
    if (this.#state !== "connecting" && this.#state !== "connected") return
    this.#receive(d, now, out)
    let ahead = this.#layer.takeAhead()
    while (ahead.length > 0) {
      for (const bytes of ahead) {
        const view = new DataView(bytes.buffer)
        const length = bytes.length - HEADROOM - TAILROOM
        this.#receive({ bytes, view, offset: HEADROOM, length, path: d.path, ecn: d.ecn }, now, out)
      }
      ahead = this.#layer.takeAhead()
    }
    this.#settleAcknowledgements(now, out)
  }

  reply(): void {
    // It asks for nothing.
  }

  tick(now: number, out: DtlsOut): void {
    if (now >= this.#deadline) {
      const { handshake } = this.#settings.limits
      return this.#end("failed", `no handshake within ${handshake} ms`, out)
    }
    if (this.#doubt !== undefined && now >= this.#retransmission.due)
      return this.#end("failed", this.#doubt, out)
    this.#retransmission.expire(now, out)
    if (now >= this.#ackDue) this.#acknowledge(out)
  }

  /** Room for `max` bytes of data in `out.bytes`; -1 where there is nowhere to send them, or they are more than a record takes. */
  reserve(max: number, _now: number, out: DtlsOut): number {
    const { writer, recordSizeLimit } = this.#h
    if (this.#state !== "connected" || max > recordSizeLimit || writer.isSpent) return -1
    this.#reservedAt = out.reserve(this.#settings.path, writer.front + max + writer.back)
    return this.#reservedAt < 0 ? -1 : this.#reservedAt + writer.front
  }

  /** Sends the first `length` bytes of what was reserved. */
  commit(length: number, now: number, out: DtlsOut): void {
    const { writer } = this.#h
    out.commit(writer.seal(ContentType.applicationData, out.bytes, this.#reservedAt, length))
    if (writer.sequence >= this.#settings.limits.sealed) this.#after?.update(false, now, out)
  }

  /** RFC 5705, RFC 8446 §7.5: bytes that both ends alone know. Throws before the connection is "connected". */
  exportKeyingMaterial(label: string, length: number, context?: Uint8Array): Uint8Array {
    const { exporter } = this.#h
    if (this.#state !== "connected" || exporter === undefined)
      throw new Error("exportKeyingMaterial: there is nothing to export before it is connected")
    return exporter(label, length, context)
  }

  /** Replaces the keys that we send with, and those of the other end (RFC 9147 §8). Does nothing in 1.2, which cannot. */
  updateKeys(now: number, out: DtlsOut): void {
    if (this.#state === "connected") this.#after?.update(true, now, out)
  }

  /** Says that nothing more comes, and forgets the keys. */
  close(_now: number, out: DtlsOut): void {
    if (this.#state === "closed" || this.#state === "failed") return
    if (this.#state !== "new") this.#sendAlert("close_notify", "closed here", out)
    this.#end("closed", "closed here", out)
  }

  #receive(d: Datagram, now: number, out: DtlsOut): void {
    const { bytes } = d
    const end = d.offset + d.length
    let at = d.offset
    while (at < end && (this.#state === "connecting" || this.#state === "connected")) {
      const record = this.#record
      const idLength = this.#h.agreement?.ourId.length ?? 0
      if (!readRecord(bytes, at, end, idLength, record)) return this.#reject("record", "no DTLS record", out)
      at = record.bodyAt + record.length
      const reader = this.#layer.open(record, this.version, bytes, this.#opened)
      if (reader !== undefined) this.#take(reader.epoch, d, now, out)
      else if (this.#layer.forged >= this.#settings.limits.forged)
        this.#fail(new Failure("bad_record_mac", "record", "too many records did not open"), out)
    }
  }

  #take(epoch: number, d: Datagram, now: number, out: DtlsOut): void {
    const { type, at, length } = this.#opened
    switch (type) {
      case ContentType.applicationData:
        return this.#takeData(epoch, d, now, out)
      case ContentType.handshake:
        return this.#takeHandshake(epoch, d.bytes, at, at + length, now, out)
      case ContentType.alert:
        return this.#takeAlert(epoch, d.bytes, at, length, out)
      case ContentType.ack:
        return this.#takeAck(epoch, d.bytes, at, length, now, out)
      default:
      // ChangeCipherSpec says nothing that the epoch does not (RFC 6347 §4.1); others are for later versions.
    }
  }

  #takeData(epoch: number, d: Datagram, now: number, out: DtlsOut): void {
    // Never of epoch 0, nor with keys of the handshake (RFC 9147 §6.1).
    const isData = this.#layer.isOpen && (epoch === PROTECTED_EPOCH || epoch >= APPLICATION_EPOCH)
    if (!isData || this.#opened.length > MAX_PLAINTEXT) return
    // Who has keys to say anything with has our last flight, of which 1.2 has no other word.
    if (epoch === PROTECTED_EPOCH && this.#retransmission.flight !== undefined) {
      this.#retransmission.end()
      this.#layer.forgetBefore(PROTECTED_EPOCH)
    }
    const data = this.#data
    data.bytes = d.bytes
    data.view = d.view
    data.offset = this.#opened.at
    data.length = this.#opened.length
    data.path = d.path
    data.ecn = d.ecn
    this.#onData(data, now, out)
  }

  #takeHandshake(
    epoch: number,
    bytes: Uint8Array,
    from: number,
    end: number,
    now: number,
    out: DtlsOut,
  ): void {
    const { sequence } = this.#opened
    let isOld = false
    let at = from
    while (at < end) {
      const fragment = this.#fragment
      if (!readFragmentHeader(bytes, at, end, fragment))
        return this.#reject("fragment", "a fragment that is none", out)
      isOld ||= fragment.sequence < this.#reassembly.next
      if (this.#layer.isOpen && epoch === 0) break
      const why = this.#reassembly.add(fragment, epoch, bytes, at + HANDSHAKE_HEADER_LENGTH)
      if (why !== undefined) return this.#reject("fragment", why, out)
      at += HANDSHAKE_HEADER_LENGTH + fragment.fragmentLength
    }
    if (epoch > 0 || !isOld) this.#acknowledgements.add(epoch, sequence)
    this.#takeMessages(now, out)
    if (isOld && this.#state !== "failed") this.#retransmission.hurry(now, out)
  }

  #takeMessages(now: number, out: DtlsOut): void {
    for (let message = this.#reassembly.take(); message !== undefined; message = this.#reassembly.take()) {
      if (this.#steps === undefined) this.#takeAfter(message, now, out)
      else if (!this.#takeStep(this.#steps, message, now, out)) return
      if (this.#state !== "connecting" && this.#state !== "connected") return
    }
  }

  /** False: the message was not for now. */
  #takeStep(steps: Steps, message: ReceivedMessage, now: number, out: DtlsOut): boolean {
    const { epoch, types } = this.#expected!
    if (message.epoch < epoch) {
      // Anybody could have said it.
      this.#reassembly.refuse(message)
      return false
    }
    if (message.epoch > epoch || !types.includes(message.type)) {
      const why = `${handshakeName(message.type)}, and ${types.map(handshakeName).join(" or ")} was expected`
      this.#fail(new Failure("unexpected_message", "message", why), out)
      return false
    }
    this.#doubt = undefined
    // RFC 9147 §7.1: what answers our flight says that it came. In 1.2 only a whole flight does.
    if (this.version === "1.3") this.#retransmission.end()
    this.#step(steps.next(message), now, out)
    return true
  }

  #step(result: IteratorResult<Expected, Failure | undefined>, now: number, out: DtlsOut): void {
    if (result.done === true && result.value !== undefined) return this.#fail(result.value, out)
    this.#expected = result.done === true ? undefined : result.value
    const { flight } = this.#h
    const isDone = result.done === true
    if (isDone && flight.isEmpty) this.#retransmission.end()
    if (!flight.isEmpty) {
      this.#h.flight = new Flight()
      // It says that what it answers came.
      this.#acknowledgements.clear()
      this.#ackDue = Infinity
      this.#retransmission.begin(flight, isDone && this.version === "1.2", now, out)
    }
    if (isDone) this.#connect(out)
  }

  #connect(out: DtlsOut): void {
    const h = this.#h
    const { agreement, exporter } = h
    this.#steps = undefined
    this.#deadline = Infinity
    this.#layer.finish(this.#retransmission.flight === undefined || agreement!.version === "1.3")
    h.transcript.clear()
    this.#after = new PostHandshake(h, this.#layer, this.#retransmission)
    if (this.#settings.srtp.length > 0 && agreement?.srtp === undefined)
      this.#reject("profile", "no SRTP profile in common: there will be no media", out)
    if (agreement?.srtp !== undefined && exporter !== undefined)
      this.#srtp = exportSrtpKeys(agreement.srtp, this.#settings.role, exporter)
    out.note({
      layer: "dtls",
      kind: "negotiated",
      version: agreement!.version,
      cipherSuite: agreement!.suite.name,
      group: agreement!.group,
      ...(agreement!.srtp !== undefined && { srtp: agreement!.srtp }),
      ...(agreement!.ourId.length + agreement!.theirId.length > 0 && { connectionIds: true }),
    })
    this.#enter("connected", "the other end proved who it is", out)
  }

  #takeAfter(message: ReceivedMessage, now: number, out: DtlsOut): void {
    const answer = this.#after!.take(message, now, out)
    if (answer instanceof Failure) this.#fail(answer, out)
    else if (answer !== undefined) this.#sendAlert(answer, handshakeName(message.type), out)
  }

  #takeAlert(epoch: number, bytes: Uint8Array, at: number, length: number, out: DtlsOut): void {
    // Once there are keys, nothing without them ends anything (RFC 9147 §4.5.2).
    if (length !== ALERT_LENGTH || (epoch === 0 && this.#layer.epoch > 0)) return
    const [level, code] = [bytes[at]!, bytes[at + 1]!]
    const description = alertName(code)
    if (code === AlertDescription.close_notify && epoch > 0) {
      out.note({ layer: "dtls", kind: "alert", side: "received", description, why: "the other end closed" })
      if (this.#state === "connected") this.#sendAlert("close_notify", "the other end closed", out)
      return this.#end("closed", "the other end closed", out)
    }
    if (!isFatal(level, code, this.version)) return
    out.note({ layer: "dtls", kind: "alert", side: "received", description, why: "the other end gave up" })
    const why = `the other end says ${description}`
    // Without keys it may be anybody's, or an answer to anybody: it is believed once nothing else comes.
    if (epoch === 0) this.#doubt = why
    else this.#end("failed", why, out)
  }

  #takeAck(epoch: number, bytes: Uint8Array, at: number, length: number, now: number, out: DtlsOut): void {
    const { flight } = this.#retransmission
    // One of epoch 0 could be anybody's.
    if (epoch === 0 || flight === undefined) return
    const isAck = readAck(bytes, at, length, (ofEpoch, sequence) => flight.acknowledge(ofEpoch, sequence))
    if (!isAck) return this.#reject("record", "an ACK that is none", out)
    // What it has keys by came, too.
    flight.acknowledgeBefore(HANDSHAKE_EPOCH)
    if (!flight.isAcknowledged) return this.#retransmission.hurry(now, out)
    this.#retransmission.end()
    this.#after?.acknowledged(now, out)
  }

  /** RFC 9147 §7.1: at once where nothing else answers, a little later where the rest of a flight may still come. */
  #settleAcknowledgements(now: number, out: DtlsOut): void {
    if (this.#acknowledgements.isEmpty || this.version !== "1.3") return
    if (this.#steps === undefined) this.#acknowledge(out)
    else if (this.#ackDue === Infinity) this.#ackDue = now + this.#retransmission.firstTimeout / 4
  }

  #acknowledge(out: DtlsOut): void {
    this.#ackDue = Infinity
    if (this.#acknowledgements.isEmpty) return
    this.#sendRecord(ContentType.ack, this.#acknowledgements.take(), out)
  }

  #sendAlert(description: AlertDescription, why: string, out: DtlsOut): void {
    out.note({ layer: "dtls", kind: "alert", side: "sent", description, why })
    this.#sendRecord(ContentType.alert, alertBytes(description), out)
  }

  #sendRecord(type: number, content: Uint8Array, out: DtlsOut): void {
    const { writer } = this.#h
    if (writer.isSpent) return
    const at = out.reserve(this.#settings.path, writer.front + content.length + writer.back)
    if (at < 0) return
    out.bytes.set(content, at + writer.front)
    out.commit(writer.seal(type, out.bytes, at, content.length))
  }

  #fail(failure: Failure, out: DtlsOut): void {
    const { alert, what, why } = failure
    this.#reject(what, why, out)
    this.#sendAlert(alert, why, out)
    const isStillOpen = this.#settings.role === "server" && !this.#h.hasChosen
    if (isStillOpen) this.#listenAgain()
    else this.#end("failed", why, out)
  }

  /** A ClientHello that was no good may have been anybody's: the next one is heard as if it were the first. */
  #listenAgain(): void {
    const { limits } = this.#settings
    const { sequence } = this.#h.writer
    this.#layer.close()
    this.#retransmission.end()
    this.#acknowledgements.clear()
    this.#reassembly = new Reassembly(limits)
    this.#h = this.#newHandshake(0, sequence)
    this.#steps = serverHandshake(this.#h)
    const first = this.#steps.next()
    this.#expected = first.done === true ? undefined : first.value
  }

  #newHandshake(sequence = 0, record = 0): Handshake {
    return new Handshake(this.#settings, reader => this.#layer.add(reader), sequence, record)
  }

  #newSteps(): Steps {
    return this.#settings.role === "client" ? clientHandshake(this.#h) : serverHandshake(this.#h)
  }

  #end(state: "closed" | "failed", why: string, out: DtlsOut): void {
    this.#steps = undefined
    this.#after = undefined
    this.#srtp = undefined
    this.#h.exporter = undefined
    this.#h.writer.close()
    this.#layer.close()
    this.#retransmission.end()
    this.#acknowledgements.clear()
    this.#ackDue = Infinity
    this.#deadline = Infinity
    this.#enter(state, why, out)
  }

  #enter(state: DtlsState, why: string, out: DtlsOut): void {
    this.#state = state
    out.note({ layer: "dtls", kind: "state", state, why })
    out.tell({ type: "state", state, why })
  }

  /** The first of each kind is evidence: who sends rubbish sends much of it. */
  #reject(what: Rejected, why: string, out: DtlsOut): void {
    if (this.#rejected.has(what)) return
    this.#rejected.add(what)
    out.note({ layer: "dtls", kind: "rejected", what, why })
  }
}
