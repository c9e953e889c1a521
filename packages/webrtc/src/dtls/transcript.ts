import type { Crypto } from "../crypto/index.ts"
import { concat, Writer } from "./codec.ts"
import { HandshakeType } from "./handshake-type.ts"
import type { DtlsVersion } from "./options.ts"

export interface Message {
  readonly type: number
  /** message_seq (RFC 9147 §5.2). */
  readonly sequence: number
  readonly body: Uint8Array
}

/**
 * The messages that a handshake consists of so far, each as if it had come in one piece: with DTLS's header of 12 bytes in
 * 1.2 (RFC 6347 §4.2.6), with TLS's of 4 in 1.3 (RFC 9147 §5.2).
 */
export class Transcript {
  #messages: Message[] = []

  add(message: Message): void {
    this.#messages.push(message)
  }

  clear(): void {
    this.#messages = []
  }

  /** All of them, for what signs the messages themselves. */
  bytes(version: DtlsVersion): Uint8Array {
    return concat(...this.#messages.map(message => withHeader(message, version)))
  }

  hash(crypto: Crypto, algorithm: "sha256" | "sha384", version: DtlsVersion): Uint8Array {
    return crypto.digest(algorithm, this.bytes(version))
  }

  /** RFC 8446 §4.4.1: before a HelloRetryRequest the first ClientHello is replaced by its hash. */
  retry(hashOfClientHello: Uint8Array): void {
    this.#messages = [{ type: HandshakeType.messageHash, sequence: 0, body: hashOfClientHello }]
  }
}

function withHeader({ type, sequence, body }: Message, version: DtlsVersion): Uint8Array {
  const header = new Writer().uint8(type).uint24(body.length)
  if (version === "1.2") header.uint16(sequence).uint24(0).uint24(body.length)
  return header.bytes(body).done
}
