/**
 * Encrypts and authenticates one packet of known SSRC and index, in place. `length` is the packet's without what
 * protection adds, which lies behind it.
 */
export interface RtpTransform {
  /** Bytes that protection adds. */
  readonly overhead: number
  /**
   * `clear` bytes are not encrypted. Where `csrcs` is not 0, that many bytes of CSRCs are encrypted with what follows
   * (RFC 9335), and the header of the extension behind them is in `clear`.
   */
  seal(
    bytes: Uint8Array,
    at: number,
    length: number,
    clear: number,
    csrcs: number,
    ssrc: number,
    index: number,
  ): void
  /** False where it was not sealed so. */
  open(
    bytes: Uint8Array,
    at: number,
    length: number,
    clear: number,
    csrcs: number,
    ssrc: number,
    index: number,
  ): boolean
  close(): void
}

/** As `RtpTransform`. Its overhead includes the index and the E bit (RFC 3711 §3.4). */
export interface RtcpTransform {
  readonly overhead: number
  /** Where in the overhead the word of E bit and index is. */
  readonly indexAt: number
  seal(bytes: Uint8Array, at: number, length: number, ssrc: number, index: number): void
  open(bytes: Uint8Array, at: number, length: number, ssrc: number, index: number): boolean
  close(): void
}

/** The E bit: it is encrypted (RFC 3711 §3.4). */
export const ENCRYPTED = 0x8000_0000
