import { writeUint16 } from "../bytes/index.ts"
import { ContentType, MAX_PLAINTEXT } from "./content-type.ts"
import { RECORD_HEADER_LENGTH, type RecordView } from "./record.ts"
import type { Opened, RecordReader, RecordWriter } from "./record-protection.ts"
import { MAX_UINT48, writeUint48 } from "./uint48.ts"

/** Of 1.2, in records of any version (RFC 9147 §4: legacy_record_version). */
export const RECORD_VERSION = 0xfefd

/** Writes the header of RFC 6347 §4.1. */
export function writeHeader(
  bytes: Uint8Array,
  at: number,
  type: number,
  epoch: number,
  sequence: number,
  length: number,
): void {
  bytes[at] = type
  writeUint16(bytes, at + 1, RECORD_VERSION)
  writeUint16(bytes, at + 3, epoch)
  writeUint48(bytes, at + 5, sequence)
  writeUint16(bytes, at + RECORD_HEADER_LENGTH - 2, length)
}

/** Epoch 0. */
export class PlaintextWriter implements RecordWriter {
  readonly epoch = 0
  readonly front: number = RECORD_HEADER_LENGTH
  readonly back = 0
  sequence: number

  /** Whoever answered without keeping anything goes on from the number that was asked with (RFC 6347 §4.2.1). */
  constructor(sequence = 0) {
    this.sequence = sequence
  }

  get isSpent(): boolean {
    return this.sequence > MAX_UINT48
  }

  seal(type: number, bytes: Uint8Array, at: number, length: number): number {
    writeHeader(bytes, at, type, 0, this.sequence++, length)
    return this.front + length
  }

  close(): void {}
}

/** Nothing vouches for these, not even for their numbers: what comes twice is for the messages to tell. */
export class PlaintextReader implements RecordReader {
  readonly epoch = 0
  readonly forged = 0

  open(record: RecordView, _bytes: Uint8Array, into: Opened): boolean {
    if (record.type === ContentType.applicationData || record.length > MAX_PLAINTEXT) return false
    into.type = record.type
    into.at = record.bodyAt
    into.length = record.length
    into.sequence = record.sequence
    return true
  }

  close(): void {}
}
