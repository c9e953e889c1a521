import { readUint16 } from "../bytes/index.ts"
import type { DtlsLimits } from "./options.ts"
import type { Message } from "./transcript.ts"

export const HANDSHAKE_HEADER_LENGTH = 12

/** A message, and the epoch whose keys vouch for it. */
export interface ReceivedMessage extends Message {
  readonly epoch: number
}

/** A fragment as its header says (RFC 9147 §5.2). */
export interface FragmentHeader {
  type: number
  /** Of the whole message. */
  length: number
  sequence: number
  offset: number
  fragmentLength: number
}

interface Piece {
  readonly at: number
  readonly bytes: Uint8Array
}

/** A message of which not all has come. */
interface Partial {
  readonly type: number
  readonly length: number
  readonly epoch: number
  /** By where they begin; no byte is in two of them. */
  pieces: readonly Piece[]
}

/**
 * Puts messages together from fragments, in any order and overlapping (RFC 9147 §5.5), and hands them out in theirs. Of
 * what is not there yet nothing is kept but the bytes that came.
 */
export class Reassembly {
  readonly #limits: DtlsLimits
  readonly #partial = new Map<number, Partial>()
  /** message_seq of the next message that is handed out. */
  #next: number

  constructor(limits: DtlsLimits, next = 0) {
    this.#limits = limits
    this.#next = next
  }

  get next(): number {
    return this.#next
  }

  /** Whether a part of a message is here, and the rest is not. */
  get isWaiting(): boolean {
    return this.#partial.size > 0
  }

  /** Bytes of messages of which not all has come. */
  get kept(): number {
    let bytes = 0
    for (const { pieces } of this.#partial.values()) for (const piece of pieces) bytes += piece.bytes.length
    return bytes
  }

  /** Keeps a copy of the fragment at `at`. Returns why it does not, where something is wrong with it. */
  add(header: FragmentHeader, epoch: number, bytes: Uint8Array, at: number): string | undefined {
    const { type, length, sequence, offset, fragmentLength } = header
    const { message, messagesAhead, fragments } = this.#limits
    if (sequence < this.#next) return undefined
    if (sequence >= this.#next + messagesAhead) return `message ${sequence}, and ${this.#next} is next`
    if (length > message) return `a message of ${length} bytes, more than limits.message (${message})`
    const found = this.#partial.get(sequence)
    const isSame = found?.type === type && found.length === length && found.epoch === epoch
    // What has keys counts for more than what anybody could have said, and of that what was said last: else one stray
    // fragment would be in the way of the right ones for ever.
    const isReplaced = found !== undefined && !isSame && (found.epoch < epoch || found.epoch + epoch === 0)
    const known = isReplaced ? undefined : found
    if (known !== undefined && !isSame) return "it belongs to another message of that number"
    const partial: Partial = known ?? { type, length, epoch, pieces: [] }
    const { pieces } = partial
    const [from, to] = missing(pieces, offset, offset + fragmentLength)
    if (from > to || (from === to && pieces.length > 0)) return undefined
    const kept = pieces.filter(piece => piece.at < from || piece.at + piece.bytes.length > to)
    if (kept.length >= fragments) return `more than ${fragments} fragments of a message`
    kept.push({ at: from, bytes: bytes.slice(at + from - offset, at + to - offset) })
    partial.pieces = kept.sort((a, b) => a.at - b.at)
    if (known === undefined) this.#partial.set(sequence, partial)
    return undefined
  }

  /** The next message, if all of it is there. */
  take(): ReceivedMessage | undefined {
    const partial = this.#partial.get(this.#next)
    if (partial === undefined || !isComplete(partial)) return undefined
    this.#partial.delete(this.#next)
    const body = new Uint8Array(partial.length)
    for (const { at, bytes } of partial.pieces) body.set(bytes, at)
    return { type: partial.type, sequence: this.#next++, epoch: partial.epoch, body }
  }

  /** Gives a message that was taken back its number: it was not for this. */
  refuse(message: ReceivedMessage): void {
    this.#next = message.sequence
  }
}

/**
 * From where to where a fragment says anything new, so that no more is kept of a message than it is long, however much
 * its fragments overlap. Pieces that lie within are not.
 */
function missing(pieces: readonly Piece[], offset: number, end: number): readonly [number, number] {
  let [from, to] = [offset, end]
  for (const { at, bytes } of pieces) if (at <= from) from = Math.max(from, at + bytes.length)
  for (const { at, bytes } of pieces) if (at + bytes.length >= to) to = Math.min(to, at)
  return [from, to]
}

function isComplete({ length, pieces }: Partial): boolean {
  let until = 0
  for (const { at, bytes } of pieces) {
    if (at > until) return false
    until = Math.max(until, at + bytes.length)
  }
  return until === length
}

/** RFC 9147 §5.2. False where the fragment is not all there, or is not within its message. */
export function readFragmentHeader(
  bytes: Uint8Array,
  at: number,
  end: number,
  into: FragmentHeader,
): boolean {
  if (at + HANDSHAKE_HEADER_LENGTH > end) return false
  into.type = bytes[at]!
  into.length = readUint24(bytes, at + 1)
  into.sequence = readUint16(bytes, at + 4)
  into.offset = readUint24(bytes, at + 6)
  into.fragmentLength = readUint24(bytes, at + 9)
  const isWithin = into.offset + into.fragmentLength <= into.length
  const isProgress = into.fragmentLength > 0 || into.length === 0
  return isWithin && isProgress && at + HANDSHAKE_HEADER_LENGTH + into.fragmentLength <= end
}

function readUint24(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 16) | readUint16(bytes, at + 1)
}
