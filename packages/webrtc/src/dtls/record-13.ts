import { ReplayWindow, writeUint16 } from "../bytes/index.ts"
import {
  AEAD_KEY_LENGTH,
  AEAD_NONCE_LENGTH,
  AEAD_TAG_LENGTH,
  type Aead,
  type AeadAlgorithm,
  type RecordNumberMask,
  type TransportCrypto,
} from "../crypto/index.ts"
import { MAX_PLAINTEXT } from "./content-type.ts"
import type { KeySchedule } from "./key-schedule.ts"
import { type RecordView, unifiedHeader } from "./record.ts"
import { unpad } from "./record-12.ts"
import type { Opened, RecordReader, RecordWriter } from "./record-protection.ts"
import { MAX_UINT48, writeUint48 } from "./uint48.ts"

/** The mask of record numbers is made of so many bytes of ciphertext (RFC 9147 §4.2.3). */
const SAMPLE = 16
const NO_BYTES = new Uint8Array(0)

/** The keys of one epoch and direction (RFC 8446 §7.3, RFC 9147 §4.2.3). */
export class TrafficKeys {
  readonly secret: Uint8Array
  readonly aead: Aead
  readonly mask: RecordNumberMask
  readonly nonce: Uint8Array = new Uint8Array(AEAD_NONCE_LENGTH)
  readonly #iv: Uint8Array

  constructor(crypto: TransportCrypto, algorithm: AeadAlgorithm, schedule: KeySchedule, secret: Uint8Array) {
    const length = AEAD_KEY_LENGTH[algorithm]
    this.secret = secret
    this.aead = crypto.aead(algorithm, schedule.expandLabel(secret, "key", NO_BYTES, length))
    this.mask = crypto.recordNumberMask(algorithm, schedule.expandLabel(secret, "sn", NO_BYTES, length))
    this.#iv = schedule.expandLabel(secret, "iv", NO_BYTES, AEAD_NONCE_LENGTH)
  }

  /** RFC 9147 §4.2.1: the sequence number of 64 bits, without the epoch. */
  setNonce(sequence: number): void {
    const { nonce } = this
    nonce.fill(0)
    writeUint48(nonce, 6, sequence)
    for (let i = 0; i < AEAD_NONCE_LENGTH; i++) nonce[i]! ^= this.#iv[i]!
  }
}

export class RecordWriter13 implements RecordWriter {
  readonly epoch: number
  readonly keys: TrafficKeys
  sequence = 0
  readonly front: number
  readonly back: number = 1 + AEAD_TAG_LENGTH
  readonly #id: Uint8Array

  /** `id`: what the other end wants before its records. */
  constructor(epoch: number, keys: TrafficKeys, id: Uint8Array) {
    this.epoch = epoch
    this.keys = keys
    this.#id = id
    this.front = 1 + id.length + 2 + 2
  }

  get isSpent(): boolean {
    return this.sequence > MAX_UINT48
  }

  seal(type: number, bytes: Uint8Array, at: number, length: number): number {
    const { keys } = this
    const id = this.#id
    const sequence = this.sequence++
    const content = at + this.front
    bytes[content + length] = type
    const body = length + 1 + AEAD_TAG_LENGTH
    bytes[at] = unifiedHeader.base | (id.length > 0 ? unifiedHeader.connectionId : 0) | (this.epoch & 3)
    if (id.length > 0) bytes.set(id, at + 1)
    const sequenceAt = at + 1 + id.length
    writeUint16(bytes, sequenceAt, sequence % 0x10000)
    writeUint16(bytes, sequenceAt + 2, body)
    keys.setNonce(sequence)
    // RFC 9147 §4.2.3: what is authenticated is the header with its number as it is.
    keys.aead.seal(keys.nonce, bytes, at, this.front, bytes, content, length + 1)
    const mask = keys.mask(bytes, content)
    bytes[sequenceAt]! ^= mask[0]!
    bytes[sequenceAt + 1]! ^= mask[1]!
    return this.front + body
  }

  close(): void {
    this.keys.aead.close()
  }
}

export class RecordReader13 implements RecordReader {
  readonly epoch: number
  readonly keys: TrafficKeys
  forged = 0
  readonly #id: Uint8Array
  readonly #window = new ReplayWindow()

  /** `id`: what we asked the other end to write. */
  constructor(epoch: number, keys: TrafficKeys, id: Uint8Array) {
    this.epoch = epoch
    this.keys = keys
    this.#id = id
  }

  open(record: RecordView, bytes: Uint8Array, into: Opened): boolean {
    const { keys } = this
    const { sequenceAt, sequenceLength, bodyAt, length } = record
    if (length < SAMPLE + 1 || length > MAX_PLAINTEXT + 256) return false
    const hasId = sequenceAt - record.at > 1
    if (hasId !== this.#id.length > 0) return false
    for (let i = 0; i < this.#id.length; i++) if (bytes[record.at + 1 + i] !== this.#id[i]) return false
    const mask = keys.mask(bytes, bodyAt)
    for (let i = 0; i < sequenceLength; i++) bytes[sequenceAt + i]! ^= mask[i]!
    const low = sequenceLength === 2 ? bytes[sequenceAt]! * 256 + bytes[sequenceAt + 1]! : bytes[sequenceAt]!
    const sequence = this.#nearest(low, sequenceLength === 2 ? 0x10000 : 0x100)
    if (!this.#window.isNew(sequence)) return false
    keys.setNonce(sequence)
    if (!keys.aead.open(keys.nonce, bytes, record.at, record.headerLength, bytes, bodyAt, length)) {
      this.forged++
      return false
    }
    this.#window.add(sequence)
    into.at = bodyAt
    into.length = length - AEAD_TAG_LENGTH
    into.sequence = sequence
    return unpad(bytes, into)
  }

  close(): void {
    this.keys.aead.close()
  }

  /** RFC 9147 §4.2.2: the number nearest to the one after the highest so far that ends so. */
  #nearest(low: number, modulus: number): number {
    const expected = this.#window.highest + 1
    const candidate = expected - (expected % modulus) + low
    if (candidate - expected > modulus / 2 && candidate >= modulus) return candidate - modulus
    if (expected - candidate > modulus / 2) return candidate + modulus
    return candidate
  }
}
