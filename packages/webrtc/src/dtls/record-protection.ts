import type { RecordView } from "./record.ts"

/** One epoch of what we send. */
export interface RecordWriter {
  readonly epoch: number
  /** Of the next record. */
  readonly sequence: number
  /** Bytes of a record before and behind its content. */
  readonly front: number
  readonly back: number
  /** No record is left that could be sent without a sequence number coming again. */
  readonly isSpent: boolean
  /**
   * Makes a record of the `length` bytes of content at `at + front`; `at` is where the record begins. Returns how long it
   * is.
   */
  seal(type: number, bytes: Uint8Array, at: number, length: number): number
  close(): void
}

/** What became of a record that was opened. */
export interface Opened {
  type: number
  at: number
  length: number
  sequence: number
}

/** One epoch of what the other end sends. */
export interface RecordReader {
  readonly epoch: number
  /** Records that did not open. */
  readonly forged: number
  /** Decrypts in place. False: it is not the other end's, or came before. */
  open(record: RecordView, bytes: Uint8Array, into: Opened): boolean
  close(): void
}

/** What both directions of an epoch need. */
export interface RecordKeys {
  readonly key: Uint8Array
  readonly iv: Uint8Array
}
