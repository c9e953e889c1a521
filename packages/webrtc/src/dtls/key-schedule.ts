import type { Crypto } from "../crypto/index.ts"
import { ascii, concat, Writer } from "./codec.ts"

type Hash = "sha256" | "sha384"
const HASH_LENGTH: Readonly<Record<Hash, number>> = { sha256: 32, sha384: 48 }

/** The secrets of DTLS 1.3 (RFC 8446 §7.1), with DTLS's prefix to their labels (RFC 9147 §5.9). */
export class KeySchedule {
  readonly hashLength: number
  readonly #crypto: Crypto
  readonly #hash: Hash
  #secret: Uint8Array

  /** Without a pre-shared key: the early secret. */
  constructor(crypto: Crypto, hash: Hash) {
    this.#crypto = crypto
    this.#hash = hash
    this.hashLength = HASH_LENGTH[hash]
    const zeros = new Uint8Array(this.hashLength)
    this.#secret = this.#extract(zeros, zeros)
  }

  /** On to the handshake secret, with what the key exchange gave. */
  enterHandshake(shared: Uint8Array): void {
    this.#secret = this.#extract(this.derive(this.#secret, "derived", this.#emptyHash()), shared)
  }

  /** On to the master secret. */
  enterMaster(): void {
    const zeros = new Uint8Array(this.hashLength)
    this.#secret = this.#extract(this.derive(this.#secret, "derived", this.#emptyHash()), zeros)
  }

  /** A secret of the present stage. */
  secret(label: string, transcriptHash: Uint8Array): Uint8Array {
    return this.derive(this.#secret, label, transcriptHash)
  }

  derive(secret: Uint8Array, label: string, transcriptHash: Uint8Array): Uint8Array {
    return this.expandLabel(secret, label, transcriptHash, this.hashLength)
  }

  /** HKDF-Expand-Label. */
  expandLabel(secret: Uint8Array, label: string, context: Uint8Array, length: number): Uint8Array {
    const info = new Writer()
      .uint16(length)
      .vector8(writer => writer.bytes(ascii(`dtls13${label}`)))
      .vector8(writer => writer.bytes(context)).done
    const hmac = this.#crypto.hmac(this.#hash, secret)
    const blocks: Uint8Array[] = []
    let block = new Uint8Array(0)
    for (let counter = 1; blocks.length * this.hashLength < length; counter++) {
      block = Uint8Array.from(hmac.sign(block, info, Uint8Array.of(counter)))
      blocks.push(block)
    }
    return concat(...blocks).slice(0, length)
  }

  /** verify_data of a Finished (RFC 8446 §4.4.4). */
  finished(trafficSecret: Uint8Array, transcriptHash: Uint8Array): Uint8Array {
    const key = this.expandLabel(trafficSecret, "finished", new Uint8Array(0), this.hashLength)
    return this.#crypto.hmac(this.#hash, key).sign(transcriptHash)
  }

  /** RFC 8446 §7.2: what comes after a KeyUpdate. */
  next(trafficSecret: Uint8Array): Uint8Array {
    return this.expandLabel(trafficSecret, "traffic upd", new Uint8Array(0), this.hashLength)
  }

  /** RFC 8446 §7.5. */
  export(exporterSecret: Uint8Array, label: string, length: number, context: Uint8Array): Uint8Array {
    const derived = this.derive(exporterSecret, label, this.#emptyHash())
    return this.expandLabel(derived, "exporter", this.#crypto.digest(this.#hash, context), length)
  }

  #extract(salt: Uint8Array, keyingMaterial: Uint8Array): Uint8Array {
    return this.#crypto.hmac(this.#hash, salt).sign(keyingMaterial)
  }

  #emptyHash(): Uint8Array {
    return this.#crypto.digest(this.#hash, new Uint8Array(0))
  }
}
