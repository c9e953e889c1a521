import { writeUint16 } from "../bytes/index.ts"
import type { Out } from "../contract/index.ts"
import { ContentType } from "./content-type.ts"
import { handshakeName } from "./handshake-type.ts"
import { HANDSHAKE_HEADER_LENGTH } from "./reassembly.ts"
import type { RecordWriter } from "./record-protection.ts"
import type { Message } from "./transcript.ts"

/** A fragment smaller than this is not worth a record of its own. */
const LEAST_FRAGMENT = 64

/** From this attempt on each record has a datagram of its own. */
const SMALLER_FROM = 4

/** Where a flight is put into datagrams. */
export interface FlightOut {
  readonly path: number
  /** The most bytes of a datagram. */
  readonly mtu: number
  /** The most bytes that the other end takes in one record (RFC 8449 §4). */
  readonly recordSizeLimit: () => number
}

/** What one record carries: a fragment of a message, or a ChangeCipherSpec. */
interface Piece {
  readonly writer: RecordWriter
  readonly message: Message | undefined
  readonly at: number
  readonly length: number
  isAcknowledged: boolean
  /** The records that carried it: an ACK of any will do. */
  readonly sequences: number[]
}

/**
 * Messages that leave together, and are sent again until the other end says that it has them, be it by an ACK (RFC 9147
 * §7) or by its own next flight (RFC 6347 §4.2.4).
 */
export class Flight {
  /** How often it was sent. */
  attempts = 0
  readonly #items: { readonly writer: RecordWriter; readonly message: Message | undefined }[] = []
  #pieces: Piece[] | undefined

  /** `undefined` is the ChangeCipherSpec of 1.2. */
  add(message: Message | undefined, writer: RecordWriter): void {
    this.#items.push({ message, writer })
  }

  get isEmpty(): boolean {
    return this.#items.length === 0
  }

  get isAcknowledged(): boolean {
    return this.#pieces?.every(piece => piece.isAcknowledged) === true
  }

  get names(): string[] {
    return this.#items.map(({ message }) =>
      message === undefined ? "ChangeCipherSpec" : handshakeName(message.type),
    )
  }

  /** The record arrived. */
  acknowledge(epoch: number, sequence: number): void {
    for (const piece of this.#pieces ?? [])
      if (piece.writer.epoch === epoch && piece.sequences.includes(sequence)) piece.isAcknowledged = true
  }

  /** Everything of the epochs before this one did. */
  acknowledgeBefore(epoch: number): void {
    for (const piece of this.#pieces ?? []) if (piece.writer.epoch < epoch) piece.isAcknowledged = true
  }

  /** Sends what is not acknowledged. Returns how many bytes that were. */
  send(to: FlightOut, out: Out<never>): number {
    this.attempts++
    this.#pieces ??= this.#cut(to)
    const datagram = new FlightDatagram(to, out)
    for (const piece of this.#pieces) {
      if (piece.isAcknowledged || piece.writer.isSpent) continue
      datagram.add(piece)
      // RFC 9147 §4.4: smaller ones, where those did not get through.
      if (this.attempts >= SMALLER_FROM) datagram.flush()
    }
    datagram.flush()
    return datagram.sent
  }

  /** So that datagrams are filled: what goes on after another message takes what room that left. */
  #cut({ mtu, recordSizeLimit }: FlightOut): Piece[] {
    const pieces: Piece[] = []
    let room = mtu
    for (const { message, writer } of this.#items) {
      const around = writer.front + writer.back
      const length = message?.body.length ?? 0
      let at = 0
      do {
        const overhead = around + (message === undefined ? 1 : HANDSHAKE_HEADER_LENGTH)
        // A connection ID of theirs may be longer than we like: then datagrams are, too.
        const whole = Math.max(mtu, overhead + LEAST_FRAGMENT)
        if (room < overhead + Math.min(length - at, LEAST_FRAGMENT)) room = whole
        const most = Math.min(room - overhead, recordSizeLimit() - HANDSHAKE_HEADER_LENGTH - 1)
        const taken = Math.min(length - at, most)
        pieces.push({ writer, message, at, length: taken, isAcknowledged: false, sequences: [] })
        room -= overhead + taken
        at += taken
      } while (at < length)
    }
    return pieces
  }
}

/** Puts records side by side for as long as they fit. */
class FlightDatagram {
  sent = 0
  readonly #to: FlightOut
  readonly #out: Out<never>
  #start = -1
  #length = 0

  constructor(to: FlightOut, out: Out<never>) {
    this.#to = to
    this.#out = out
  }

  add(piece: Piece): void {
    const { writer, message } = piece
    const content = message === undefined ? 1 : HANDSHAKE_HEADER_LENGTH + piece.length
    const needed = writer.front + content + writer.back
    if (this.#length + needed > this.#to.mtu) this.flush()
    if (this.#length === 0) this.#start = this.#out.reserve(this.#to.path, Math.max(needed, this.#to.mtu))
    // Nowhere to send to now: the timer tries again.
    if (this.#start < 0) return
    const { bytes } = this.#out
    const at = this.#start + this.#length
    const contentAt = at + writer.front
    if (message === undefined) bytes[contentAt] = 1
    else writeFragment(bytes, contentAt, message, piece.at, piece.length)
    const type = message === undefined ? ContentType.changeCipherSpec : ContentType.handshake
    piece.sequences.push(writer.sequence)
    this.#length += writer.seal(type, bytes, at, content)
  }

  flush(): void {
    if (this.#length > 0) this.#out.commit(this.#length)
    this.sent += this.#length
    this.#length = 0
  }
}

/** RFC 9147 §5.2. */
function writeFragment(
  bytes: Uint8Array,
  at: number,
  message: Message,
  offset: number,
  length: number,
): void {
  bytes[at] = message.type
  writeUint24(bytes, at + 1, message.body.length)
  writeUint16(bytes, at + 4, message.sequence)
  writeUint24(bytes, at + 6, offset)
  writeUint24(bytes, at + 9, length)
  bytes.set(message.body.subarray(offset, offset + length), at + HANDSHAKE_HEADER_LENGTH)
}

function writeUint24(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 16
  writeUint16(bytes, at + 1, value & 0xffff)
}
