import type { AlertDescription } from "./alert.ts"
import type { DtlsOut } from "./events.ts"
import { Failure } from "./failure.ts"
import type { Handshake } from "./handshake.ts"
import { APPLICATION_EPOCH } from "./handshake-13.ts"
import { HandshakeType, handshakeName } from "./handshake-type.ts"
import type { ReceivedMessage } from "./reassembly.ts"
import { RecordReader13, RecordWriter13, TrafficKeys } from "./record-13.ts"
import type { RecordLayer } from "./record-layer.ts"
import type { Retransmission } from "./retransmission.ts"

/** Messages that 1.3 allows after a handshake, and that change nothing here: there is no resumption, and paths are ICE's. */
const PASSED_OVER: readonly number[] = [
  HandshakeType.newSessionTicket,
  HandshakeType.requestConnectionId,
  HandshakeType.newConnectionId,
]

/** What is said once the handshake is over: in 1.3 that keys are replaced (RFC 9147 §8), in 1.2 nothing that we do. */
export class PostHandshake {
  readonly #h: Handshake
  readonly #layer: RecordLayer
  readonly #retransmission: Retransmission
  /** What we write with once the other end knows. */
  #next: RecordWriter13 | undefined
  /** A KeyUpdate that waits until the flight before it has arrived. */
  #wanted: { readonly isRequest: boolean } | undefined

  constructor(h: Handshake, layer: RecordLayer, retransmission: Retransmission) {
    this.#h = h
    this.#layer = layer
    this.#retransmission = retransmission
  }

  /** Replaces the keys that we write with; `isRequest`: the other end is to replace its own, too. */
  update(isRequest: boolean, now: number, out: DtlsOut): void {
    const { schedule, writer, agreement } = this.#h
    if (schedule === undefined || !(writer instanceof RecordWriter13)) return
    // RFC 9147 §8: none before the one before it is acknowledged.
    if (this.#retransmission.flight !== undefined) {
      if (this.#next === undefined || isRequest)
        this.#wanted = { isRequest: isRequest || this.#wanted?.isRequest === true }
      return
    }
    const keys = new TrafficKeys(
      this.#h.crypto,
      agreement!.suite.aead,
      schedule,
      schedule.next(writer.keys.secret),
    )
    this.#next = new RecordWriter13(writer.epoch + 1, keys, agreement!.theirId)
    const flight = this.#h.sendAfter(HandshakeType.keyUpdate, Uint8Array.of(isRequest ? 1 : 0))
    this.#retransmission.begin(flight, false, now, out)
  }

  /** The last flight arrived. */
  acknowledged(now: number, out: DtlsOut): void {
    const next = this.#next
    if (next !== undefined) {
      this.#h.writer.close()
      this.#h.writeWith(next)
      this.#next = undefined
    }
    const wanted = this.#wanted
    this.#wanted = undefined
    if (wanted !== undefined) this.update(wanted.isRequest, now, out)
  }

  /** Returns why the connection is over, or the alert that answers. */
  take(message: ReceivedMessage, now: number, out: DtlsOut): Failure | AlertDescription | undefined {
    const { type, epoch } = message
    // RFC 5746 §4.5: there is no renegotiation, whoever asks.
    if (this.#h.agreement?.version === "1.2") return "no_renegotiation"
    if (epoch < APPLICATION_EPOCH) return undefined
    if (type === HandshakeType.keyUpdate) return this.#takeKeyUpdate(message, now, out)
    if (PASSED_OVER.includes(type)) return undefined
    return new Failure("unexpected_message", "message", `${handshakeName(type)} after the handshake`)
  }

  #takeKeyUpdate({ body, epoch }: ReceivedMessage, now: number, out: DtlsOut): Failure | undefined {
    if (body.length !== 1 || body[0]! > 1)
      return new Failure("decode_error", "message", "KeyUpdate: malformed")
    const { newest } = this.#layer
    // Of keys that were replaced already: it was said before.
    if (!(newest instanceof RecordReader13) || epoch !== newest.epoch) return undefined
    const { crypto, agreement, schedule } = this.#h
    const keys = new TrafficKeys(crypto, agreement!.suite.aead, schedule!, schedule!.next(newest.keys.secret))
    this.#layer.forgetBefore(newest.epoch)
    this.#layer.add(new RecordReader13(newest.epoch + 1, keys, agreement!.ourId))
    if (body[0] === 1) this.update(false, now, out)
    return undefined
  }
}
