/**
 * How datagrams stand on a byte stream (TCP, TLS): the driver cuts by it what arrives, and fills up by it
 * what is sent, so that a machine hears and says the same on a stream as on UDP. It keeps nothing itself.
 */
export interface Framing {
  /** No frame is longer, in bytes. */
  readonly longest: number
  /**
   * How many bytes the frame has that begins at `at`, of which `available` ≥ 1 are there, padding included.
   * 0: more are needed to tell. -1: no frame begins like this, and nothing after it can be made sense of.
   */
  frameLength(bytes: Uint8Array, at: number, available: number): number
  /** How many bytes a datagram of `length` takes on the stream; the difference is sent as zeros. */
  lengthOnStream(length: number): number
}
