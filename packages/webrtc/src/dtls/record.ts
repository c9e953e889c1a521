import { readUint16 } from "../bytes/index.ts"
import { ContentType } from "./content-type.ts"
import { readUint48 } from "./uint48.ts"

export const RECORD_HEADER_LENGTH = 13

/** A record as it lies in a datagram; one object, reused. */
export interface RecordView {
  /** With RFC 9147 §4's unified header, whose type is within, and whose epoch and sequence number are a part of theirs. */
  isUnified: boolean
  type: number
  /** Of a unified header the two low bits. */
  epoch: number
  sequence: number
  /** Where the header begins. */
  at: number
  headerLength: number
  /** Of the sequence number in a unified header, which is encrypted. */
  sequenceAt: number
  sequenceLength: number
  /** Where the bytes after the header begin, and how many they are. */
  bodyAt: number
  length: number
}

export function newRecordView(): RecordView {
  return {
    isUnified: false,
    type: 0,
    epoch: 0,
    sequence: 0,
    at: 0,
    headerLength: 0,
    sequenceAt: 0,
    sequenceLength: 0,
    bodyAt: 0,
    length: 0,
  }
}

const UNIFIED_MASK = 0xe0
const UNIFIED = 0x20
const HAS_CONNECTION_ID = 0x10
const HAS_LONG_SEQUENCE = 0x08
const HAS_LENGTH = 0x04
const EPOCH_BITS = 0x03

export const unifiedHeader: {
  readonly base: number
  readonly connectionId: number
} = { base: UNIFIED | HAS_LONG_SEQUENCE | HAS_LENGTH, connectionId: HAS_CONNECTION_ID }

/**
 * Reads the record at `at` of a datagram that ends at `end`. `idLength`: of the connection ID that the other end writes.
 * False: there is none, and nothing after it can be found either.
 */
export function readRecord(
  bytes: Uint8Array,
  at: number,
  end: number,
  idLength: number,
  into: RecordView,
): boolean {
  const first = bytes[at]!
  into.at = at
  if ((first & UNIFIED_MASK) === UNIFIED) return readUnified(bytes, at, end, idLength, into)
  return readPlain(bytes, at, end, idLength, into)
}

/** RFC 9147 §4, figure 3. */
function readUnified(
  bytes: Uint8Array,
  at: number,
  end: number,
  idLength: number,
  into: RecordView,
): boolean {
  const first = bytes[at]!
  const hasId = (first & HAS_CONNECTION_ID) !== 0
  // The length of an ID is known only to who chose it: one that was not agreed on cannot be read past.
  if (hasId && idLength === 0) return false
  into.isUnified = true
  into.type = 0
  into.epoch = first & EPOCH_BITS
  into.sequence = 0
  into.sequenceAt = at + 1 + (hasId ? idLength : 0)
  into.sequenceLength = first & HAS_LONG_SEQUENCE ? 2 : 1
  const lengthAt = into.sequenceAt + into.sequenceLength
  into.bodyAt = lengthAt + (first & HAS_LENGTH ? 2 : 0)
  if (into.bodyAt > end) return false
  into.length = first & HAS_LENGTH ? readUint16(bytes, lengthAt) : end - into.bodyAt
  into.headerLength = into.bodyAt - at
  return into.bodyAt + into.length <= end
}

/** RFC 6347 §4.1, RFC 9146 §4. */
function readPlain(bytes: Uint8Array, at: number, end: number, idLength: number, into: RecordView): boolean {
  if (at + RECORD_HEADER_LENGTH > end) return false
  const type = bytes[at]!
  if (type < ContentType.changeCipherSpec || type > ContentType.ack || bytes[at + 1] !== 0xfe) return false
  const id = type === ContentType.tls12Cid ? idLength : 0
  into.isUnified = false
  into.type = type
  into.epoch = readUint16(bytes, at + 3)
  into.sequence = readUint48(bytes, at + 5)
  into.headerLength = RECORD_HEADER_LENGTH + id
  into.bodyAt = at + into.headerLength
  if (into.bodyAt > end) return false
  into.length = readUint16(bytes, into.bodyAt - 2)
  return into.bodyAt + into.length <= end
}
