import { ReplayWindow, writeUint16 } from "../bytes/index.ts"
import {
  AEAD_NONCE_LENGTH,
  AEAD_TAG_LENGTH,
  type Aead,
  type AeadAlgorithm,
  type TransportCrypto,
} from "../crypto/index.ts"
import { ContentType, MAX_EXPANSION, MAX_PLAINTEXT } from "./content-type.ts"
import { RECORD_VERSION, writeHeader } from "./plaintext-record.ts"
import { RECORD_HEADER_LENGTH, type RecordView } from "./record.ts"
import type { Opened, RecordKeys, RecordReader, RecordWriter } from "./record-protection.ts"
import { MAX_UINT48, writeUint48 } from "./uint48.ts"

const EXPLICIT_NONCE_LENGTH = 8
/** Of GCM (RFC 5288 §3); ChaCha20's IV is as long as the nonce (RFC 7905 §2). */
const GCM_SALT_LENGTH = 4

export function fixedIvLength(aead: AeadAlgorithm): number {
  return aead === "chacha20-poly1305" ? AEAD_NONCE_LENGTH : GCM_SALT_LENGTH
}

/** What both directions do alike: nonces and associated data (RFC 5246 §6.2.3.3, RFC 5288 §3, RFC 7905 §2, RFC 9146 §5.3). */
class Protection {
  readonly aead: Aead
  readonly explicit: number
  readonly nonce = new Uint8Array(AEAD_NONCE_LENGTH)
  readonly id: Uint8Array
  readonly associated: Uint8Array
  readonly #iv: Uint8Array
  readonly #epoch: number

  constructor(
    crypto: TransportCrypto,
    algorithm: AeadAlgorithm,
    keys: RecordKeys,
    epoch: number,
    id: Uint8Array,
  ) {
    this.aead = crypto.aead(algorithm, keys.key)
    this.explicit = algorithm === "chacha20-poly1305" ? 0 : EXPLICIT_NONCE_LENGTH
    this.#iv = keys.iv
    this.#epoch = epoch
    this.id = id
    this.associated = id.length === 0 ? new Uint8Array(13) : associatedWithId(epoch, id)
  }

  /** GCM: salt, then epoch and sequence number, as the record says them. ChaCha20: those XOR the IV. */
  setNonce(sequence: number): void {
    const { nonce } = this
    if (this.explicit > 0) {
      nonce.set(this.#iv)
      writeUint16(nonce, 4, this.#epoch)
      writeUint48(nonce, 6, sequence)
      return
    }
    nonce.fill(0)
    writeUint16(nonce, 4, this.#epoch)
    writeUint48(nonce, 6, sequence)
    for (let i = 0; i < AEAD_NONCE_LENGTH; i++) nonce[i]! ^= this.#iv[i]!
  }

  setAssociated(type: number, sequence: number, length: number): void {
    const { associated } = this
    if (this.id.length > 0) {
      writeUint48(associated, 8 + 3 + 4, sequence)
      writeUint16(associated, associated.length - 2, length)
      return
    }
    writeUint16(associated, 0, this.#epoch)
    writeUint48(associated, 2, sequence)
    associated[8] = type
    writeUint16(associated, 9, RECORD_VERSION)
    writeUint16(associated, 11, length)
  }
}

/** RFC 9146 §5.3: eight bytes of ones, type, length of the ID, type, version, epoch, sequence number, ID, length. */
function associatedWithId(epoch: number, id: Uint8Array): Uint8Array {
  const associated = new Uint8Array(8 + 3 + 2 + 8 + id.length + 2)
  associated.fill(0xff, 0, 8)
  associated[8] = ContentType.tls12Cid
  associated[9] = id.length
  associated[10] = ContentType.tls12Cid
  writeUint16(associated, 11, RECORD_VERSION)
  writeUint16(associated, 13, epoch)
  associated.set(id, 21)
  return associated
}

/** The first and only epoch of 1.2 with keys. `id`: what the other end wants before its records. */
export class RecordWriter12 implements RecordWriter {
  readonly epoch = 1
  sequence = 0
  readonly front: number
  readonly back: number
  readonly #protection: Protection

  constructor(crypto: TransportCrypto, algorithm: AeadAlgorithm, keys: RecordKeys, id: Uint8Array) {
    this.#protection = new Protection(crypto, algorithm, keys, this.epoch, id)
    this.front = RECORD_HEADER_LENGTH + id.length + this.#protection.explicit
    this.back = AEAD_TAG_LENGTH + (id.length > 0 ? 1 : 0)
  }

  get isSpent(): boolean {
    return this.sequence > MAX_UINT48
  }

  seal(type: number, bytes: Uint8Array, at: number, length: number): number {
    const protection = this.#protection
    const { id, explicit, nonce, associated } = protection
    const sequence = this.sequence++
    const content = at + this.front
    let inner = length
    let outer = type
    if (id.length > 0) {
      bytes[content + inner++] = type
      outer = ContentType.tls12Cid
    }
    const whole = this.front + inner + AEAD_TAG_LENGTH
    const body = whole - RECORD_HEADER_LENGTH - id.length
    writeHeader(bytes, at, outer, this.epoch, sequence, body)
    if (id.length > 0) {
      bytes.set(id, at + RECORD_HEADER_LENGTH - 2)
      writeUint16(bytes, at + RECORD_HEADER_LENGTH - 2 + id.length, body)
    }
    protection.setNonce(sequence)
    if (explicit > 0) {
      writeUint16(bytes, content - explicit, this.epoch)
      writeUint48(bytes, content - explicit + 2, sequence)
    }
    protection.setAssociated(type, sequence, inner)
    protection.aead.seal(nonce, associated, 0, associated.length, bytes, content, inner)
    return whole
  }

  close(): void {
    this.#protection.aead.close()
  }
}

/** `id`: what we asked the other end to write. */
export class RecordReader12 implements RecordReader {
  readonly epoch = 1
  forged = 0
  readonly #protection: Protection
  readonly #window = new ReplayWindow()

  constructor(crypto: TransportCrypto, algorithm: AeadAlgorithm, keys: RecordKeys, id: Uint8Array) {
    this.#protection = new Protection(crypto, algorithm, keys, this.epoch, id)
  }

  open(record: RecordView, bytes: Uint8Array, into: Opened): boolean {
    const protection = this.#protection
    const { id, explicit, nonce, associated, aead } = protection
    // RFC 9146 §3: once an ID was agreed on, nothing else has keys.
    if ((record.type === ContentType.tls12Cid) !== id.length > 0) return false
    if (!this.#window.isNew(record.sequence)) return false
    const inner = record.length - explicit - AEAD_TAG_LENGTH
    if (inner < 0 || inner > MAX_PLAINTEXT + MAX_EXPANSION) return false
    const idAt = record.at + RECORD_HEADER_LENGTH - 2
    for (let i = 0; i < id.length; i++) if (bytes[idAt + i] !== id[i]) return false
    const content = record.bodyAt + explicit
    protection.setNonce(record.sequence)
    // The explicit nonce is the sender's to choose, and part of what the tag covers.
    for (let i = 0; i < explicit; i++) nonce[GCM_SALT_LENGTH + i] = bytes[record.bodyAt + i]!
    protection.setAssociated(record.type, record.sequence, inner)
    if (!aead.open(nonce, associated, 0, associated.length, bytes, content, inner + AEAD_TAG_LENGTH)) {
      this.forged++
      return false
    }
    this.#window.add(record.sequence)
    into.at = content
    into.sequence = record.sequence
    into.type = record.type
    into.length = inner
    return id.length === 0 || unpad(bytes, into)
  }

  close(): void {
    this.#protection.aead.close()
  }
}

/** The type is the last byte that is not zero (RFC 9146 §4, RFC 8446 §5.4). False where all are. */
export function unpad(bytes: Uint8Array, into: Opened): boolean {
  let { length } = into
  while (length > 0 && bytes[into.at + length - 1] === 0) length--
  if (length === 0) return false
  into.type = bytes[into.at + length - 1]!
  into.length = length - 1
  return true
}
