import { writeUint32 } from "../bytes/index.ts"
import { type Ciphers, type CounterMode, equalInConstantTime, type PacketMac } from "../crypto/index.ts"
import { intoCipherOrder, intoWireOrder } from "./cryptex.ts"
import { Nonce } from "./nonce.ts"
import { rolloverCounter } from "./packet-index.ts"
import { RTCP_HEADER } from "./rtp-header.ts"
import { ENCRYPTED, type RtcpTransform, type RtpTransform } from "./transform.ts"

const WORD = 4

export interface CounterModeKeys {
  readonly key: Uint8Array
  readonly salt: Uint8Array
  readonly authentication: Uint8Array
}

/** RFC 3711 §3.3: the tag is over the packet and its ROC, which is not sent: it is where the tag comes, meanwhile. */
export class CounterModeRtp implements RtpTransform {
  readonly overhead: number
  readonly #counterMode: CounterMode
  readonly #iv: Nonce
  readonly #tag: Tag

  constructor(crypto: Ciphers, { key, salt, authentication }: CounterModeKeys, tagLength: number) {
    this.overhead = tagLength
    this.#counterMode = crypto.counterMode(key)
    this.#iv = new Nonce(salt, 16)
    this.#tag = new Tag(crypto.packetMac(authentication), tagLength)
  }

  seal(
    bytes: Uint8Array,
    at: number,
    length: number,
    clear: number,
    csrcs: number,
    ssrc: number,
    index: number,
  ): void {
    this.#apply(bytes, at, length, clear, csrcs, ssrc, index)
    writeUint32(bytes, at + length, rolloverCounter(index))
    this.#tag.write(bytes, at, length + WORD, at + length)
  }

  open(
    bytes: Uint8Array,
    at: number,
    length: number,
    clear: number,
    csrcs: number,
    ssrc: number,
    index: number,
  ): boolean {
    this.#tag.remember(bytes, at + length)
    writeUint32(bytes, at + length, rolloverCounter(index))
    if (!this.#tag.isRight(bytes, at, length + WORD)) return false
    this.#apply(bytes, at, length, clear, csrcs, ssrc, index)
    return true
  }

  close(): void {
    this.#counterMode.close()
    this.#tag.close()
  }

  #apply(
    bytes: Uint8Array,
    at: number,
    length: number,
    clear: number,
    csrcs: number,
    ssrc: number,
    index: number,
  ): void {
    this.#iv.set(ssrc, index)
    if (csrcs > 0) intoCipherOrder(bytes, at, csrcs)
    this.#counterMode.apply(this.#iv.bytes, bytes, at + clear, length - clear)
    if (csrcs > 0) intoWireOrder(bytes, at, csrcs)
  }
}

/** RFC 3711 §3.4: the tag comes behind the index. */
export class CounterModeRtcp implements RtcpTransform {
  readonly overhead: number
  readonly indexAt = 0
  readonly #counterMode: CounterMode
  readonly #iv: Nonce
  readonly #tag: Tag

  constructor(crypto: Ciphers, { key, salt, authentication }: CounterModeKeys, tagLength: number) {
    this.overhead = WORD + tagLength
    this.#counterMode = crypto.counterMode(key)
    this.#iv = new Nonce(salt, 16)
    this.#tag = new Tag(crypto.packetMac(authentication), tagLength)
  }

  seal(bytes: Uint8Array, at: number, length: number, ssrc: number, index: number): void {
    this.#apply(bytes, at, length, ssrc, index)
    writeUint32(bytes, at + length, ENCRYPTED + index)
    this.#tag.write(bytes, at, length + WORD, at + length + WORD)
  }

  open(bytes: Uint8Array, at: number, length: number, ssrc: number, index: number): boolean {
    this.#tag.remember(bytes, at + length + WORD)
    if (!this.#tag.isRight(bytes, at, length + WORD)) return false
    this.#apply(bytes, at, length, ssrc, index)
    return true
  }

  close(): void {
    this.#counterMode.close()
    this.#tag.close()
  }

  #apply(bytes: Uint8Array, at: number, length: number, ssrc: number, index: number): void {
    this.#iv.set(ssrc, index)
    this.#counterMode.apply(this.#iv.bytes, bytes, at + RTCP_HEADER, length - RTCP_HEADER)
  }
}

/** RFC 3711 §4.2. */
class Tag {
  readonly #mac: PacketMac
  readonly #length: number
  readonly #received: Uint8Array
  readonly #expected: Uint8Array

  constructor(mac: PacketMac, length: number) {
    this.#mac = mac
    this.#length = length
    this.#received = new Uint8Array(length)
    this.#expected = new Uint8Array(length)
  }

  write(bytes: Uint8Array, at: number, length: number, tagAt: number): void {
    this.#mac.tag(bytes, at, length, bytes, tagAt, this.#length)
  }

  remember(bytes: Uint8Array, tagAt: number): void {
    for (let i = 0; i < this.#length; i++) this.#received[i] = bytes[tagAt + i]!
  }

  /** Whether what was remembered is the tag over these bytes, in a time that does not depend on how much of it is right. */
  isRight(bytes: Uint8Array, at: number, length: number): boolean {
    this.#mac.tag(bytes, at, length, this.#expected, 0, this.#length)
    return equalInConstantTime(this.#received, this.#expected)
  }

  close(): void {
    this.#mac.close()
  }
}
