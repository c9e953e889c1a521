import type { Datagram } from "../contract/index.ts"
import type { TransportCrypto } from "../crypto/index.ts"
import type { SrtpKeys } from "../dtls/index.ts"
import { SrtpReceiver, SrtpSender } from "../srtp/index.ts"

/** SRTP of both directions, with the keys that DTLS agreed on (RFC 5764 §4.2). */
export class Media {
  readonly #sender: SrtpSender
  readonly #receiver: SrtpReceiver

  constructor(crypto: TransportCrypto, { profile, local, remote }: SrtpKeys) {
    this.#sender = new SrtpSender(crypto, local, profile)
    this.#receiver = new SrtpReceiver(crypto, remote, profile)
  }

  /** Bytes that must be free behind a packet. */
  overhead(isRtcp: boolean): number {
    return isRtcp ? this.#sender.rtcpOverhead : this.#sender.overhead
  }

  /** Returns the length on the wire, or -1 where it may not be sent. */
  protect(isRtcp: boolean, bytes: Uint8Array, at: number, length: number): number {
    const sender = this.#sender
    return Math.max(-1, isRtcp ? sender.protectRtcp(bytes, at, length) : sender.protect(bytes, at, length))
  }

  /** Makes a datagram what was protected. False where it is not authentic, or not new. */
  unprotect(isRtcp: boolean, d: Datagram): boolean {
    const { bytes, offset, length } = d
    const receiver = this.#receiver
    const plain = isRtcp
      ? receiver.unprotectRtcp(bytes, offset, length)
      : receiver.unprotect(bytes, offset, length)
    if (plain < 0) return false
    d.length = plain
    return true
  }

  close(): void {
    this.#sender.close()
    this.#receiver.close()
  }
}
