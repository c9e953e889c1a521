import { Reader, Writer } from "./codec.ts"

/** RFC 9147 §4: which record. */
interface RecordNumber {
  readonly epoch: number
  readonly sequence: number
}

/** In one ACK; those that are left out are sent again, and told then. */
const MOST = 32

/** Records with handshake messages that came, and the other end does not know of (RFC 9147 §7). */
export class Acknowledgements {
  #records: RecordNumber[] = []

  get isEmpty(): boolean {
    return this.#records.length === 0
  }

  add(epoch: number, sequence: number): void {
    if (this.#records.length < MOST) this.#records.push({ epoch, sequence })
  }

  clear(): void {
    this.#records = []
  }

  /** The content of an ACK, in ascending order. */
  take(): Uint8Array {
    const records = this.#records.toSorted((a, b) => a.epoch - b.epoch || a.sequence - b.sequence)
    this.#records = []
    return new Writer().vector16(list => {
      for (const { epoch, sequence } of records) list.uint64(epoch).uint64(sequence)
    }).done
  }
}

/** Calls `each` for every record of an ACK; false where it is malformed. */
export function readAck(
  bytes: Uint8Array,
  at: number,
  length: number,
  each: (epoch: number, sequence: number) => void,
): boolean {
  const reader = new Reader(bytes, at, at + length)
  const list = new Reader(reader.vector16())
  if (!reader.isWhole || list.left % 16 !== 0) return false
  while (list.left > 0) each(list.uint64(), list.uint64())
  return !list.isBroken
}
