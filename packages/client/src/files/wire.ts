/** What two ends say about files: docs/files.md, "The wire". */

/** The topic of all control messages. */
export const TOPIC = "tightbeam.files"

/** Bytes of a file that are hashed, verified and kept together. */
export const CHUNK: number = 1024 * 1024

/** Bytes of one message on the channel, records and all. */
export const MESSAGE_SIZE: number = 32 * 1024

/** Files of one offer. */
export const MAX_FILES = 20_000

/** Offers of one participant that wait for an answer. */
export const MAX_OFFERS = 50

/** Files that one message of a manifest lists, and UTF-16 units of their paths. */
export const MANIFEST_PART = 500
export const MAX_PATH = 512

/** Bytes of such a list: with what is around it, less than every peer takes (RFC 8841 §6.1: 64 KiB where it says nothing). */
const MANIFEST_SIZE = 60_000

/** UTF-16 units of an id. */
const MAX_ID = 64

/** Path, bytes, and when it was last changed (ms since 1970). */
export type Listed = readonly [path: string, size: number, modified: number]

export type Control =
  /** So many files; `manifest` messages list them. */
  | { readonly type: "offer"; readonly offer: string; readonly count: number }
  | {
      readonly type: "manifest"
      readonly offer: string
      /** How many are listed before these. */
      readonly at: number
      readonly files: readonly Listed[]
    }
  /** Send, from byte `offset` of the `file`th on, under this `tag`. Ends what was sent under an earlier one. */
  | {
      readonly type: "go"
      readonly offer: string
      readonly tag: number
      readonly file: number
      readonly offset: number
    }
  | { readonly type: "decline"; readonly offer: string }
  /** Either end gives it up. */
  | { readonly type: "cancel"; readonly offer: string; readonly why: Why }
  /** All has arrived, was verified and is kept. */
  | { readonly type: "done"; readonly offer: string }

/** Why an end gave up. */
export type Why = "cancelled" | "unreadable" | "corrupt" | "not-saved"

const WHYS: readonly unknown[] = ["cancelled", "unreadable", "corrupt", "not-saved"]

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

const isListed = (value: unknown): value is Listed =>
  Array.isArray(value) &&
  typeof value[0] === "string" &&
  value[0].length <= MAX_PATH &&
  isCount(value[1]) &&
  isCount(value[2])

/** Cuts a list into what the messages of a manifest hold. */
export function* manifestParts(all: readonly Listed[]): Generator<{ at: number; files: readonly Listed[] }> {
  const encoder = new TextEncoder()
  let at = 0
  let size = 0
  for (const [i, listed] of all.entries()) {
    const more = encoder.encode(JSON.stringify(listed)).length + 1
    if (i - at === MANIFEST_PART || size + more > MANIFEST_SIZE) {
      yield { at, files: all.slice(at, i) }
      at = i
      size = 0
    }
    size += more
  }
  yield { at, files: all.slice(at) }
}

/** `undefined` for what no client of ours says. */
export function readControl(data: unknown): Control | undefined {
  if (typeof data !== "object" || data === null) return undefined
  const { type, offer, count, at, files, tag, file, offset, why } = data as Record<string, unknown>
  if (typeof offer !== "string" || offer === "" || offer.length > MAX_ID) return undefined
  switch (type) {
    case "offer":
      return isCount(count) && count > 0 && count <= MAX_FILES ? { type, offer, count } : undefined
    case "manifest":
      return isCount(at) && Array.isArray(files) && files.length <= MANIFEST_PART && files.every(isListed)
        ? { type, offer, at, files }
        : undefined
    case "go":
      return isCount(tag) && tag < 2 ** 32 && isCount(file) && isCount(offset)
        ? { type, offer, tag, file, offset }
        : undefined
    case "cancel":
      return WHYS.includes(why) ? { type, offer, why: why as Why } : undefined
    case "decline":
    case "done":
      return { type, offer }
    default:
      return undefined
  }
}

/** What a record of the channel holds. */
export const DATA = 1
/** SHA-256 of the chunk that ends here. */
export const CHUNK_END = 2
/** The root of the file that ends here. */
export const FILE_END = 3
/** Sent back: bytes of messages that were received under the tag. */
export const ACK = 4

/** Before the records of a message: its tag. Before each record: its kind and its length. */
export const TAG_SIZE = 4
export const RECORD_SIZE = 5

/** Fills messages with records. */
export class MessageWriter {
  readonly #bytes = new Uint8Array(MESSAGE_SIZE)
  readonly #view = new DataView(this.#bytes.buffer)
  #length = TAG_SIZE

  constructor(tag: number) {
    this.#view.setUint32(0, tag)
  }

  /** Bytes that the next record may have. */
  get room(): number {
    return MESSAGE_SIZE - this.#length - RECORD_SIZE
  }

  get empty(): boolean {
    return this.#length === TAG_SIZE
  }

  put(kind: number, payload: Uint8Array): void {
    this.#bytes[this.#length] = kind
    this.#view.setUint32(this.#length + 1, payload.length)
    this.#bytes.set(payload, this.#length + RECORD_SIZE)
    this.#length += RECORD_SIZE + payload.length
  }

  /** The message; its bytes are written over by the next. */
  take(): Uint8Array<ArrayBuffer> {
    const message = this.#bytes.subarray(0, this.#length)
    this.#length = TAG_SIZE
    return message
  }
}

export function ackMessage(tag: number, received: number): Uint8Array<ArrayBuffer> {
  const message = new Uint8Array(TAG_SIZE + RECORD_SIZE + 8)
  const view = new DataView(message.buffer)
  view.setUint32(0, tag)
  view.setUint8(TAG_SIZE, ACK)
  view.setUint32(TAG_SIZE + 1, 8)
  view.setFloat64(TAG_SIZE + RECORD_SIZE, received)
  return message
}

export interface Received {
  readonly tag: number
  readonly records: readonly { readonly kind: number; readonly payload: Uint8Array<ArrayBuffer> }[]
}

/** `undefined` for what is cut short. */
export function readMessage(data: ArrayBuffer): Received | undefined {
  if (data.byteLength < TAG_SIZE) return undefined
  const view = new DataView(data)
  const records = []
  let at = TAG_SIZE
  while (at < data.byteLength) {
    if (at + RECORD_SIZE > data.byteLength) return undefined
    const length = view.getUint32(at + 1)
    const start = at + RECORD_SIZE
    if (start + length > data.byteLength) return undefined
    records.push({ kind: view.getUint8(at), payload: new Uint8Array(data, start, length) })
    at = start + length
  }
  return { tag: view.getUint32(0), records }
}
