import { HEADROOM, TAILROOM } from "../contract/index.ts"
import { ContentType } from "./content-type.ts"
import { PROTECTED_EPOCH } from "./handshake-12.ts"
import { APPLICATION_EPOCH } from "./handshake-13.ts"
import type { DtlsLimits, DtlsVersion } from "./options.ts"
import { PlaintextReader } from "./plaintext-record.ts"
import type { RecordView } from "./record.ts"
import type { Opened, RecordReader } from "./record-protection.ts"

/** What the other end sends, by epoch: the keys that are known, and the records whose keys are not known yet. */
export class RecordLayer {
  readonly #limits: DtlsLimits
  #readers: RecordReader[] = [new PlaintextReader()]
  #ahead: Uint8Array[] = []
  /** There is a new reader, or data is taken now: records that wait may be for it. */
  #hasNews = false
  /** Whether data is let out. */
  isOpen = false

  constructor(limits: DtlsLimits) {
    this.#limits = limits
  }

  /** Of the newest keys. */
  get epoch(): number {
    return this.newest.epoch
  }

  get newest(): RecordReader {
    return this.#readers.at(-1)!
  }

  /** Records that did not open, with the keys that most did not with. */
  get forged(): number {
    let most = 0
    for (const reader of this.#readers) most = Math.max(most, reader.forged)
    return most
  }

  add(reader: RecordReader): void {
    this.#readers.push(reader)
    this.#hasNews = true
  }

  /**
   * The handshake is over, and data is taken. `isAnswered`: the other end knows; else what it says again without keys is
   * still heard, which shows that it does not (RFC 6347 §4.2.4).
   */
  finish(isAnswered: boolean): void {
    this.isOpen = true
    this.#hasNews = true
    if (isAnswered) this.forgetBefore(1)
  }

  /** Old keys of a connection that has had many: those of the epoch before are kept for what is late. */
  forgetBefore(epoch: number): void {
    for (const reader of this.#readers) if (reader.epoch < epoch) reader.close()
    this.#readers = this.#readers.filter(reader => reader.epoch >= epoch)
  }

  /** Decrypts in place. Returns the keys that it was of. One whose keys may yet come is kept: `undefined` then, as for one that is no good. */
  open(
    record: RecordView,
    version: DtlsVersion | undefined,
    bytes: Uint8Array,
    into: Opened,
  ): RecordReader | undefined {
    const reader = this.#readerOf(record, version)
    if (reader === undefined || this.#isEarlyData(record, reader)) {
      this.#keep(record, version, bytes)
      return undefined
    }
    return reader.open(record, bytes, into) ? reader : undefined
  }

  /** Records that may have keys now, each with its headroom and tailroom; each has one chance. */
  takeAhead(): readonly Uint8Array[] {
    if (!this.#hasNews) return []
    this.#hasNews = false
    const ahead = this.#ahead
    this.#ahead = []
    return ahead
  }

  close(): void {
    for (const reader of this.#readers) reader.close()
    this.#readers = [new PlaintextReader()]
    this.#ahead = []
  }

  #readerOf({ isUnified, epoch }: RecordView, version: DtlsVersion | undefined): RecordReader | undefined {
    if (!isUnified) {
      const isPossible = epoch === 0 || version === "1.2"
      return isPossible ? this.#readers.find(reader => reader.epoch === epoch) : undefined
    }
    return this.#readers.findLast(reader => reader.epoch >= 2 && (reader.epoch & 3) === epoch)
  }

  /** Data of the right keys before we know whose they are (RFC 9147 §6.1; RFC 8827 §6.5). */
  #isEarlyData(record: RecordView, { epoch }: RecordReader): boolean {
    if (this.isOpen || epoch === 0) return false
    return epoch >= APPLICATION_EPOCH || record.type === ContentType.applicationData
  }

  #keep(record: RecordView, version: DtlsVersion | undefined, bytes: Uint8Array): void {
    const mayCome = record.isUnified
      ? version !== "1.2"
      : version !== "1.3" && record.epoch === PROTECTED_EPOCH
    if (this.isOpen || !mayCome || this.#ahead.length >= this.#limits.recordsAhead) return
    const length = record.bodyAt + record.length - record.at
    // With the room around it that whoever gets the data may write to.
    const kept = new Uint8Array(HEADROOM + length + TAILROOM)
    kept.set(bytes.subarray(record.at, record.at + length), HEADROOM)
    this.#ahead.push(kept)
  }
}
