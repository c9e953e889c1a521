import { AEAD_KEY_LENGTH, equalInConstantTime } from "../crypto/index.ts"
import { concat, Reader, Writer } from "./codec.ts"
import { Failure } from "./failure.ts"
import type { Agreement, Handshake } from "./handshake.ts"
import { otherSide, type Side } from "./handshake-13.ts"
import { HandshakeType } from "./handshake-type.ts"
import { MASTER_SECRET_LENGTH, prf, VERIFY_DATA_LENGTH } from "./prf.ts"
import type { ReceivedMessage } from "./reassembly.ts"
import { fixedIvLength, RecordReader12, RecordWriter12 } from "./record-12.ts"
import type { RecordKeys } from "./record-protection.ts"

export const PROTECTED_EPOCH = 1
/** RFC 8422 §5.4: the curve by its name. */
export const NAMED_CURVE = 3

/** What the handshake of 1.2 makes its keys of. */
export interface Ingredients {
  readonly clientRandom: Uint8Array
  readonly serverRandom: Uint8Array
  /** Both said that the master secret is to depend on the whole handshake (RFC 7627). */
  readonly isExtended: boolean
}

/** What both sides of 1.2 do alike, once both shares are known (RFC 5246 §6.3, §7.4.9, §8.1). */
export class Secrets12 {
  readonly #h: Handshake
  readonly #agreement: Agreement
  readonly #side: Side
  readonly #master: Uint8Array
  readonly #keys: Readonly<Record<Side, RecordKeys>>

  /** After the ClientKeyExchange is in the transcript. */
  constructor(
    h: Handshake,
    agreement: Agreement,
    side: Side,
    ingredients: Ingredients,
    preMaster: Uint8Array,
  ) {
    const { crypto } = h
    const { hash, aead } = agreement.suite
    const { clientRandom, serverRandom, isExtended } = ingredients
    this.#h = h
    this.#agreement = agreement
    this.#side = side
    const randoms = concat(clientRandom, serverRandom)
    const label = isExtended ? "extended master secret" : "master secret"
    const made = isExtended ? this.#hash() : randoms
    this.#master = prf(crypto, hash, preMaster, label, made, MASTER_SECRET_LENGTH)
    const [key, iv] = [AEAD_KEY_LENGTH[aead], fixedIvLength(aead)]
    const seed = concat(serverRandom, clientRandom)
    const block = new Reader(prf(crypto, hash, this.#master, "key expansion", seed, 2 * (key + iv)))
    const [clientKey, serverKey] = [block.bytes(key), block.bytes(key)]
    const [clientIv, serverIv] = [block.bytes(iv), block.bytes(iv)]
    this.#keys = { client: { key: clientKey, iv: clientIv }, server: { key: serverKey, iv: serverIv } }
    h.exporter = (label, length, context) => {
      const about = context === undefined ? [] : [new Writer().uint16(context.length).bytes(context).done]
      // RFC 5705 §4.
      return prf(crypto, hash, this.#master, label, concat(randoms, ...about), length)
    }
  }

  /** What the other end protects from its ChangeCipherSpec on. */
  readProtected(): void {
    const keys = this.#keys[otherSide(this.#side)]
    const { suite, ourId } = this.#agreement
    this.#h.readWith(new RecordReader12(this.#h.crypto, suite.aead, keys, ourId))
  }

  sendFinished(): void {
    const h = this.#h
    const { suite, theirId } = this.#agreement
    h.sendChangeCipherSpec()
    h.writeWith(new RecordWriter12(h.crypto, suite.aead, this.#keys[this.#side], theirId))
    h.send(HandshakeType.finished, this.#verifyData(this.#side))
  }

  /** Is judged by what came before it, and then part of it. */
  takeFinished(message: ReceivedMessage): Failure | undefined {
    const expected = this.#verifyData(otherSide(this.#side))
    if (!equalInConstantTime(message.body, expected))
      return new Failure("decrypt_error", "message", "Finished: not made of what we saw and said")
    this.#h.transcript.add(message)
    return undefined
  }

  #verifyData(side: Side): Uint8Array {
    const { hash } = this.#agreement.suite
    return prf(this.#h.crypto, hash, this.#master, `${side} finished`, this.#hash(), VERIFY_DATA_LENGTH)
  }

  #hash(): Uint8Array {
    return this.#h.transcript.hash(this.#h.crypto, this.#agreement.suite.hash, "1.2")
  }
}
